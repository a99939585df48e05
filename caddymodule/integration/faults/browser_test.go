package faults

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// browser keeps the cookies of somebody who signs in on the page.
type browser struct {
	w    *world
	http *http.Client
}

func newBrowser(w *world) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // never, without options
	}
	client := *w.http
	client.Jar = jar
	return &browser{w, &client}
}

// walk follows redirects to a page, or away to the client, which gets a code.
func (b *browser) walk(r *http.Request) (a answer, at *url.URL, code string) {
	for range 5 {
		at, a = r.URL, send(b.http, r)
		location := a.header.Get("Location")
		if !a.whole || location == "" {
			return a, at, ""
		}
		next, err := at.Parse(location)
		if err != nil {
			return a, at, ""
		}
		if strings.HasPrefix(next.String(), redirectURI) {
			return a, next, next.Query().Get("code")
		}
		if r, err = http.NewRequest(http.MethodGet, next.String(), nil); err != nil {
			return a, at, ""
		}
	}
	return a, at, ""
}

// authorize asks for a code. Who is not signed in gets a page, and "".
func (b *browser) authorize() (a answer, at *url.URL, code string) {
	query := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI},
		"scope": {"openid write"}, "state": {"s"},
	}
	r, err := http.NewRequest(http.MethodGet, b.w.auth+"/oauth2/authorize?"+query.Encode(), nil)
	if err != nil {
		return answer{}, nil, ""
	}
	return b.walk(r)
}

var formToken = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// signIn fills in the page, which leads to a code.
func (b *browser) signIn() (a answer, code string) {
	b.http.Jar, _ = cookiejar.New(nil) // somebody new
	a, page, _ := b.authorize()
	token := formToken.FindStringSubmatch(a.body)
	if token == nil {
		return a, ""
	}
	form := url.Values{"form_token": {token[1]}, "username": {username}, "password": {password}}
	r, err := http.NewRequest(http.MethodPost, page.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null") // what Referrer-Policy: no-referrer makes of it
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a, _, code = b.walk(r)
	return a, code
}

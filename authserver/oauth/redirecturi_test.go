package oauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// lookalikes are redirect URIs that resemble https://app.test/cb and are not it.
var lookalikes = []string{
	"https://app.test/cb/", "https://app.test/cb?x=1", "https://app.test/cb#f", "https://app.test/cb%20",
	"https://app.test/cb%2f..", "https://app.test/cb/../evil", "https://app.test/cb/%2e%2e/evil",
	"https://app.test/CB", "HTTPS://app.test/cb", "https://APP.test/cb", "https://app.test:443/cb",
	"http://app.test/cb", "https://app.test.evil.test/cb", "https://evil.test/app.test/cb",
	"https://app.test@evil.test/cb", "https://app.test:x@evil.test/cb", `https://evil.test\@app.test/cb`,
	"https://evil.test%2f@app.test/cb", "https://app.test%00.evil.test/cb", "https://app.test%09/cb",
	"//app.test/cb", "/cb", "https:app.test/cb", "https:///app.test/cb", "https://xn--pp-8ja.test/cb",
	"https://app.test。evil/cb", "javascript:alert(1)//https://app.test/cb", "data:text/html,x",
	"https://app.test/cb\r\nLocation: https://evil.test", "https://app.test/cb?next=https://evil",
	"https://app.test/cb?" + strings.Repeat("x", 64<<10), "", "https://other.test/cb",
	"https://app.test/cb%E2%80%AE", "https://app.test/cb\u202e", "urn:ietf:wg:oauth:2.0:oob",
	"https://app.test./cb", " https://app.test/cb", "https://app.test/cb ", "https://app.test/%63b", "https://app.test/c%62",
	"https://app.test/cb\x00", "https://app.test/cb\x7f",
}

func TestA1_OnlyTheRegisteredBytesMatch(t *testing.T) {
	registered := []string{"https://app.test/cb"}
	if !oauth.MatchRedirectURI("https://app.test/cb", registered) {
		t.Fatal("the registered URI does not match itself")
	}
	for _, uri := range lookalikes {
		if oauth.MatchRedirectURI(uri, registered) {
			t.Errorf("%.80q matches", uri)
		}
	}
	if oauth.MatchRedirectURI("https://app.test/cb", nil) {
		t.Error("something matches where nothing is registered")
	}
	escaped := []string{"https://app.test/a%2Fb"}
	if oauth.MatchRedirectURI("https://app.test/a%2fb", escaped) {
		t.Error("the case of a percent escape was ignored")
	}
}

func TestAS1_LoopbackMayVaryInPortOnly(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]:8000/cb?a=b", "http://localhost:8000/cb", "http://127.0.0.1"}
	for uri, want := range map[string]bool{
		"http://127.0.0.1/cb":                    true,
		"http://127.0.0.1:51004/cb":              true,
		"http://127.0.0.1:65535/cb":              true,
		"http://[::1]:9/cb?a=b":                  true,
		"http://[::1]/cb?a=b":                    true,
		"http://localhost:8000/cb":               true,
		"http://127.0.0.1:9":                     true,
		"http://127.0.0.1:65536/cb":              false,
		"http://127.0.0.1:/cb":                   false,
		"http://127.0.0.1:8x/cb":                 false,
		"http://127.0.0.1:-1/cb":                 false,
		"http://127.0.0.1:80@evil.test/cb":       false,
		"http://127.0.0.1@evil.test/cb":          false,
		"http://127.0.0.1.evil.test/cb":          false,
		"http://127.0.0.1:1.evil.test/cb":        false,
		"https://127.0.0.1:51004/cb":             false,
		"http://127.0.0.2:51004/cb":              false,
		"http://127.0.0.1:51004/cb/":             false,
		"http://127.0.0.1:51004/other":           false,
		"http://127.0.0.1:51004/cb?x=1":          false,
		"http://127.0.0.1:51004/cb#f":            false,
		"http://[::1]:9/cb":                      false,
		"http://localhost:9/cb":                  false, // a name can be resolved elsewhere
		"http://127.0.0.1:51004\\@evil.test/cb":  false,
		"http://127.0.0.1:51004/cb\r\nX: y":      false,
		"http://127.000.000.001:51004/cb":        false,
		"http://[0:0:0:0:0:0:0:1]:51004/cb?a=b":  false,
		"http://127.0.0.1:51004:51005/cb":        false,
		"http://127.0.0.1:00000000000000080/cb ": false,
	} {
		if got := oauth.MatchRedirectURI(uri, registered); got != want {
			t.Errorf("%q: %v, want %v", uri, got, want)
		}
	}
}

func TestAS3_WhatMayBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"https://app.test/cb", "https://www.example.com:443/callback", "https://app.test/cb?tenant=a",
		"http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost:3000/cb",
		"com.example.app:/cb", "com.example.app://cb",
	} {
		if err := oauth.CheckRedirectURI(uri); err != nil {
			t.Errorf("%q %v", uri, err)
		}
	}
	for _, uri := range []string{
		"", "/cb", "//app.test/cb", "app.test/cb", "https:app.test/cb", "https:///cb", "https://",
		"http://app.test/cb", "http://127.0.0.1.evil.test/cb", "http://10.0.0.1/cb",
		"https://app.test/cb#f", "https://app.test/cb#", "https://user@app.test/cb", "https://user:x@app.test/cb",
		`https://evil.test\@app.test/cb`, "https://app.test/c b", " https://app.test/cb",
		"https://app.test/cb\r\nX: y", "https://app.test/\x00", "https://app.test/\x7f", "https://app.test/é",
		"https://app.test。evil/cb", "https://app.test%00.evil.test/cb", "https://app.test%09/cb",
		"https://*/cb", "https://*.app.test/cb", "https://app.test;x/cb", "https://app.test,x/cb", "https://app.test'/cb",
		"javascript:alert(1)//https://app.test/cb", "data:text/html,x", "file:///etc/passwd", "urn:ietf:wg:oauth:2.0:oob", "myapp:/cb",
		"https://app.test/" + strings.Repeat("x", oauth.MaxRedirectURIBytes),
	} {
		if oauth.CheckRedirectURI(uri) == nil {
			t.Errorf("%.80q may be registered", uri)
		}
	}
}

func TestRedirectOrigin(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.test/cb?x=1":    "https://app.test",
		"https://app.test:8443/cb":   "https://app.test:8443",
		"http://[::1]:9/cb":          "http://[::1]:9",
		"com.example.app:/cb":        "com.example.app:",
		"com.example.app://cb":       "com.example.app://cb",
		"https://app.test%zz/broken": "",
	} {
		if got := oauth.RedirectOrigin(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}

// A URI that matches is a registered one byte for byte, or goes to the same
// loopback host, path and query: whatever a stranger sends, the browser never
// leaves for somewhere else.
func FuzzMatchRedirectURI(f *testing.F) {
	registered := []string{"https://app.test/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb?a=b", "com.example.app:/cb"}
	for _, uri := range append(lookalikes, registered...) {
		f.Add(uri)
	}
	f.Add("http://127.0.0.1:80@evil.test/cb")
	f.Fuzz(func(t *testing.T, uri string) {
		if !oauth.MatchRedirectURI(uri, registered) {
			return
		}
		for _, r := range registered {
			if uri == r {
				return
			}
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q matches and is no URI: %v", uri, err)
		}
		rest := u.Hostname() + u.RequestURI()
		if u.Scheme != "http" || u.User != nil || u.Fragment != "" || rest != "127.0.0.1/cb" && rest != "::1/cb?a=b" {
			t.Fatalf("%q matches and leads elsewhere", uri)
		}
	})
}

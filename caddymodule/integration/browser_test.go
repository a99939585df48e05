package integration

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is as much of one as sign-in and consent need: cookies, redirects
// within the server, forms, and the headers that browsers add to them.
type browser struct {
	t      *testing.T
	client *http.Client
	// origin is the server's; redirects elsewhere are the end of a walk.
	origin string
}

func newBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, origin: origin, client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is where a walk ended: an HTML page of ours, or left for another origin.
type page struct {
	url    *url.URL
	status int
	header http.Header
	body   []byte
	left   bool
}

// open follows redirects from address to a page or away from the server.
func (b *browser) open(address string) page {
	b.t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.walk(request)
}

func (b *browser) walk(request *http.Request) page {
	b.t.Helper()
	for range 10 {
		response, err := b.client.Do(request)
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		location := response.Header.Get("Location")
		if location == "" {
			return page{request.URL, response.StatusCode, response.Header, body, false}
		}
		next, err := request.URL.Parse(location)
		if err != nil {
			b.t.Fatal(err)
		}
		if next.Scheme+"://"+next.Host != b.origin {
			return page{next, response.StatusCode, response.Header, body, true}
		}
		if request, err = http.NewRequest(http.MethodGet, next.String(), nil); err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Fatal("redirected in circles")
	return page{}
}

// submit posts the page's form with fields filled in, as its submit button
// named by fields would.
func (b *browser) submit(from page, fields map[string]string) page {
	b.t.Helper()
	action, hidden := form(b.t, from.body)
	values := url.Values{}
	for name, value := range hidden {
		values.Set(name, value)
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	target, err := from.url.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", "null") // what Referrer-Policy: no-referrer makes of it
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.walk(request)
}

// form reads the action and the hidden fields of the first form of a page: on the
// sign-in page that of the password, before those of passkeys and other sites.
func form(t *testing.T, body []byte) (action string, hidden map[string]string) {
	t.Helper()
	document, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hidden = map[string]string{}
	forms := 0
	for node := range document.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		attributes := map[string]string{}
		for _, a := range node.Attr {
			attributes[a.Key] = a.Val
		}
		switch {
		case node.Data == "form":
			if forms++; forms == 1 {
				action = attributes["action"]
			}
		case forms == 1 && node.Data == "input" && attributes["type"] == "hidden":
			hidden[attributes["name"]] = attributes["value"]
		}
	}
	if forms == 0 {
		t.Fatalf("want a page with a form, got:\n%s", body)
	}
	return action, hidden
}

// authorize walks from an authorization request through sign-in and consent,
// where they are asked for, to the answer that the client's redirect URI gets.
func (b *browser) authorize(address, username, password string) url.Values {
	b.t.Helper()
	at := b.open(address)
	for range 3 {
		switch {
		case at.left:
			if fragment := at.url.Fragment; fragment != "" {
				values, err := url.ParseQuery(fragment)
				if err != nil {
					b.t.Fatal(err)
				}
				return values
			}
			return at.url.Query()
		case bytes.Contains(at.body, []byte(`name="password"`)):
			at = b.submit(at, map[string]string{"username": username, "password": password})
		case bytes.Contains(at.body, []byte(`name="decision"`)):
			at = b.submit(at, map[string]string{"decision": "allow"})
		default:
			b.t.Fatalf("neither sign-in nor consent: %s %d\n%s", at.url, at.status, at.body)
		}
	}
	b.t.Fatalf("still at %s:\n%s", at.url, at.body)
	return nil
}

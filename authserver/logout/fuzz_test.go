package logout_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
)

// Whatever strangers send: no 5xx, no session that ends unasked, and no redirect
// but to what is registered, or to ourselves with the request sealed.
func FuzzEndSession(f *testing.F) {
	b := newBrowser(f)
	other := b.hint(b.world.Realm, "web", "another session")
	for _, query := range []string{
		"", "client_id=web", "id_token_hint=" + other, "request=AAAA", "state=%00", "ui_locales=de+fr",
		"client_id=web&post_logout_redirect_uri=" + url.QueryEscape(realmtest.Goodbye) + "&state=s",
		"id_token_hint=" + other + "&post_logout_redirect_uri=https%3A%2F%2Fevil.example",
		"post_logout_redirect_uri=//evil.example&client_id=web", "client_id=web&client_id=web", "%",
	} {
		f.Add(query, false)
		f.Add(query, true)
	}
	f.Fuzz(func(t *testing.T, query string, post bool) {
		request := httptest.NewRequest(http.MethodGet, address, nil)
		request.URL.RawQuery = query
		if post {
			request = httptest.NewRequest(http.MethodPost, address, strings.NewReader(query))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		guest := *b
		guest.t = t
		answer := guest.send(request)
		location := answer.Header().Get("Location")
		if answer.Code >= 500 || !guest.signedIn() || location != "" && (!post || !strings.HasPrefix(location, address+"?request=")) {
			t.Fatalf("%q: %d to %q", query, answer.Code, location)
		}
	})
}

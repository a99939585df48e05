package introspect_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestMaxAge(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "max-age=60": time.Minute, "public, Max-Age=\"60\" , must-revalidate": time.Minute, "max-age=0": 0, "no-store": 0,
		"max-age=60, no-cache": 0, "max-age=x": 0, "max-age": 0, "max-age=-1": 0, "max-age=1000000000000000000000": 0,
		"max-age=1000000000": 1_000_000_000 * time.Second, "s-maxage=60": 0, ",,=,": 0,
	} {
		if got := introspect.MaxAge(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// An issuer may ask for its keys to be read sooner than we would, within bounds,
// and never later.
func TestG88_RefreshBounds(t *testing.T) {
	for value, c := range map[string]struct{ least, most int }{
		"max-age=120": {28, 35}, "max-age=1": {58, 68}, "max-age=0": {11, 15}, "no-store": {11, 15}, "max-age=1000000000": {11, 15}, "": {11, 15},
	} {
		synctest.Test(t, func(t *testing.T) {
			key := newKey("k", oauth.ES256)
			server := newIssuer(key)
			server.fault(jwksPath, func(r *http.Request) (*http.Response, error) {
				response, err := answer(map[string]any{"keys": []any{key.jwk()}})(r)
				response.Header.Set("Cache-Control", value)
				return response, err
			})
			start(t, server, nil)
			pass(time.Hour)
			if n := server.count(jwksPath); n < c.least || n > c.most {
				t.Errorf("%q: %d fetches in an hour, want %d to %d", value, n, c.least, c.most)
			}
		})
	}
}

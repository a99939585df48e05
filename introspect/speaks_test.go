package introspect_test

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RS9, G34: a source speaks for its own issuer, whatever its verdicts say, from the
// cache or not.
func TestRS9_G34_ASourceSpeaksForItsIssuerAlone(t *testing.T) {
	cache := newCache(t)
	for _, c := range []struct{ url, want string }{{idp, "ok"}, {partner, introspect.ReasonIssuer}} {
		for _, with := range []*introspect.Cache{nil, cache} {
			at, err := introspect.New(introspect.Config{
				Issuers:   []introspect.Issuer{{Name: "x", URL: c.url, Source: vouching{}, Opaque: func(string) bool { return true }}},
				Audiences: []string{api}, Now: func() time.Time { return proofTime }, Cache: with,
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, _ := outcome(at, introspect.Presented{Token: oauth.NewSecret("opaque")}); got != c.want {
					t.Errorf("%s: %q, want %q", c.url, got, c.want)
				}
				cache.Wait()
			}
		}
	}
}

package introspect_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What a token costs that is known already, by how many issuers the route trusts:
// it is one of the last.
func BenchmarkIssuers(b *testing.B) {
	for _, count := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d issuers", count), func(b *testing.B) {
			key, cache := newKey("k", oauth.ES256), newCache(b)
			remote := start(b, newIssuer(key), nil)
			at := route(b, remote, func(c *introspect.Config) {
				c.Cache = cache
				for n := 1; n < count; n++ {
					other := remote.Issuer(fmt.Sprint("corp", n))
					other.URL = fmt.Sprintf("%s/%d", idp, n)
					c.Issuers = append([]introspect.Issuer{other}, c.Issuers...)
				}
			})
			token := oauth.NewSecret(key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() + 1<<20})))
			expect(b, at, token.Reveal(), "ok")
			cache.Wait()
			var room introspect.Token // as a request of the gateway has it
			b.ReportAllocs()
			for b.Loop() {
				if result, err := at.Introspect(context.Background(), introspect.Presented{Token: token, Room: &room}); err != nil || !result.Cached {
					b.Fatal("no hit", err)
				}
			}
		})
	}
}

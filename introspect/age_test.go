package introspect_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// A token that was issued too long ago is refused, known or not, whatever its
// exp says.
func TestMaxTokenAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		cache := newCache(t)
		at := route(t, start(t, newIssuer(key), func(f *introspect.Foreign) { f.MaxTokenAge = time.Hour }), func(c *introspect.Config) { c.Cache = cache })
		synctest.Wait()
		token := func(issued time.Duration) string {
			return key.sign("at+jwt", claims(time.Now(), map[string]any{"iat": time.Now().Add(-issued).Unix(), "exp": time.Now().Unix() + 86400}))
		}
		fresh := token(0)
		expect(t, at, fresh, "ok")
		cache.Wait()
		expectCached(t, at, fresh, true)
		expect(t, at, token(59*time.Minute), "ok")
		expect(t, at, token(time.Hour), introspect.ReasonExpired)
		expect(t, at, key.sign("at+jwt", claims(time.Now(), map[string]any{"iat": nil})), introspect.ReasonClaims)
		pass(time.Hour - time.Second)
		expect(t, at, fresh, "ok")
		pass(time.Second)
		expect(t, at, fresh, introspect.ReasonExpired)
		expect(t, at, key.sign("at+jwt", claims(time.Now(), map[string]any{"exp": time.Now().Unix() - 11})), introspect.ReasonExpired)
	})
}

// RS8, RS33: the leeway of the route is that of iat, on a miss and on a hit, for
// JWTs and for introspected tokens.
func TestRS8_RS33_LeewayOfIssuedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		cache := newCache(t)
		remote := start(t, server, withClient)
		synctest.Wait()
		with := func(leeway time.Duration) *introspect.Introspector {
			return route(t, remote, func(c *introspect.Config) { c.Cache, c.Leeway = cache, leeway })
		}
		strict, lax := with(0), with(time.Minute)
		later := map[string]any{"iat": time.Now().Unix() + 30}
		server.tokens["opaque"] = active(later)
		for _, token := range []string{key.sign("at+jwt", claims(time.Now(), later)), "opaque"} {
			expect(t, strict, token, introspect.ReasonNotYetValid)
			expect(t, lax, token, "ok")
			cache.Wait()
			expectCached(t, lax, token, true)
			expect(t, strict, token, introspect.ReasonNotYetValid)
		}
		expect(t, lax, key.sign("at+jwt", claims(time.Now(), map[string]any{"iat": time.Now().Unix() + 61})), introspect.ReasonNotYetValid)
		pass(30 * time.Second)
		expect(t, strict, "opaque", "ok")
	})
}

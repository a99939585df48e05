package introspect_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What a bad token costs, beside a good one that nobody has seen: none may cost more.
func BenchmarkRefused(b *testing.B) {
	key, stranger, rsa := newKey("k", oauth.ES256), newKey("unknown", oauth.ES256), newKey("k", oauth.RS256)
	at := route(b, start(b, newIssuer(key), func(f *introspect.Foreign) { f.Algorithms = []string{oauth.ES256} }), nil)
	now := time.Now()
	made := func(changes map[string]any) string { return key.sign("at+jwt", claims(now, changes)) }
	good := made(nil)
	expect(b, at, good, "ok")
	for _, test := range []struct{ name, token, want string }{
		{"good, for comparison", good, "ok"},
		{"too long", strings.Repeat("a", oauth.MaxTokenBytes+1), introspect.ReasonMalformed},
		{"no JSON", "eyJ.eyJ.x", introspect.ReasonMalformed},
		{"opaque", strings.Repeat("a", 60), introspect.ReasonIssuer},
		{"other issuer", made(map[string]any{"iss": "https://other.example.com"}), introspect.ReasonIssuer},
		{"other algorithm", rsa.sign("at+jwt", claims(now, nil)), introspect.ReasonAlgorithm},
		{"ID token", made(map[string]any{"sub": nil}), introspect.ReasonClaims},
		{"long expired", made(map[string]any{"exp": now.Unix() - 3600}), introspect.ReasonExpired},
		{"just expired", made(map[string]any{"exp": now.Unix() - 30}), introspect.ReasonExpired},
		{"other audience", made(map[string]any{"aud": "https://other.example.com"}), introspect.ReasonAudience},
		{"unknown key", stranger.sign("at+jwt", claims(now, nil)), introspect.ReasonUnknownKey},
		{"bad signature", good[:len(good)-20] + "AAAA" + good[len(good)-16:], introspect.ReasonSignature},
	} {
		presented := introspect.Presented{Token: oauth.NewSecret(test.token)}
		expect(b, at, test.token, test.want)
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := at.Introspect(context.Background(), presented); (err == nil) != (test.want == "ok") {
					b.Fatal(err)
				}
			}
		})
	}
}

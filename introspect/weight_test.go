//go:build !race

package introspect_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// ordinary is a token of about 800 bytes with twelve claims, as many servers issue it.
func ordinary(key signingKey, n int) string {
	return key.sign("at+jwt", claims(time.Now(), map[string]any{
		"sub": fmt.Sprintf("248289761001-%08d", n), "jti": fmt.Sprintf("0b5c1f4e-6a7d-4c2b-9a3e-%012d", n), "sid": fmt.Sprintf("1f8e7d6c-5b4a-4938-8271-%012d", n),
		"name": fmt.Sprintf("Frida Example-Maier %d", n), "email": fmt.Sprintf("frida.example.%d@example.com", n),
		"scope": "openid profile email orders:read orders:write customers:read",
		"roles": []string{"orders-reader", "orders-writer", "customer-support", "invoices-reader", "invoices-writer", "returns-clerk"},
	}))
}

// headersOf stand for what a route notes beside a token: the gateway's are about as
// large.
func headersOf(t *introspect.Token) introspect.Note {
	return introspect.Note{Text: t.Subject + t.ClientID + t.Scope.String() + t.Issuer + "12345678"}
}

// What the cache holds of an ordinary token, its share of the tables and the headers
// of one route included, is what it counts.
func TestACachedTokenHoldsTwoKilobytes(t *testing.T) {
	const tokens, most = 5000, 2 << 10
	key := newKey("k", oauth.ES256)
	cache, err := introspect.NewCache(2 * tokens)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	fill(t, cache, key, 1)
	before := heap()
	fill(t, cache, key, tokens)
	held, counted := (heap()-before)/tokens, cache.Stats().Bytes/tokens
	t.Logf("a token of %d bytes: %d are held, %d counted", len(ordinary(key, 0)), held, counted)
	if held > most || counted < held*9/10 || counted > held*11/10 {
		t.Errorf("a token of %d bytes: %d are held, want %d at most, and %d counted", len(ordinary(key, 0)), held, most, counted)
	}
	runtime.KeepAlive(cache)
}

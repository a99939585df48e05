package caddymodule

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What bearer_auth costs a request with a token that is known already, above a
// request that passes nothing.
func BenchmarkServe(b *testing.B) {
	cache, err := introspect.NewCache(100)
	if err != nil {
		b.Fatal(err)
	}
	defer cache.Close()
	introspector, err := introspect.New(introspect.Config{
		Issuers:   []introspect.Issuer{{Name: "test", URL: streamIssuer, Source: &voucher{answer: lasting}, Opaque: func(string) bool { return true }}},
		Audiences: []string{streamAudience}, Cache: cache, Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	rules, _, err := introspect.NewRules([]introspect.Rule{{Methods: []string{"GET"}, Path: "/orders*", Scope: []string{"read"}}})
	if err != nil {
		b.Fatal(err)
	}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
	guard := &BearerAuth{
		introspector: introspector, rules: rules, log: slog.New(slog.DiscardHandler),
		Rules: make([]BearerRule, 1), upstream: upstream{guard: identityGuard, now: time.Now},
	}
	serve := func(b *testing.B, handle func(http.ResponseWriter, *http.Request) error) {
		ctx, cancel := context.WithCancel(b.Context()) // as that of a server is
		defer cancel()
		b.ReportAllocs()
		w := httptest.NewRecorder()
		for b.Loop() {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/orders/7", nil)
			r.Header["Authorization"] = []string{"Bearer opaque"}
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))
			if err := handle(w, r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("floor", func(b *testing.B) { serve(b, next.ServeHTTP) })
	b.Run("guarded", func(b *testing.B) {
		serve(b, func(w http.ResponseWriter, r *http.Request) error { return guard.ServeHTTP(w, r, next) })
	})
}

func lasting(context.Context) (*introspect.Token, error) {
	t := minuteToken(true)
	t.Expires += 1 << 20
	t.ClientID, t.Scope = "shop", []string{"read", "write"}
	return t, nil
}

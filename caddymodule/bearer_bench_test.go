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

// handling is a site without its server.
type handling func(http.ResponseWriter, *http.Request) error

// answering is a handler that answers by itself, and waiting one that asks for the
// end of the request, as a proxy does.
func answering(http.ResponseWriter, *http.Request) error { return nil }

func waiting(_ http.ResponseWriter, r *http.Request) error {
	_, cancel := context.WithCancel(r.Context())
	cancel()
	return nil
}

// guarded puts a bearer_auth before a handler. Its one issuer vouches for all
// tokens, and has done so for the token opaque.
func guarded(tb testing.TB, next handling) handling {
	tb.Helper()
	return guardedBy(tb, &voucher{answer: lasting}, next)
}

func guardedBy(tb testing.TB, source *voucher, next handling) handling {
	tb.Helper()
	cache, err := introspect.NewCache(100)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cache.Close)
	issuers := []introspect.Issuer{{Name: "test", URL: streamIssuer, Source: source, Opaque: func(string) bool { return true }}}
	introspector, err := introspect.New(introspect.Config{Issuers: issuers, Audiences: []string{streamAudience}, Cache: cache, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	rules, _, err := introspect.NewRules([]introspect.Rule{{Methods: []string{"GET"}, Path: "/orders*", Scope: []string{"read"}}})
	if err != nil {
		tb.Fatal(err)
	}
	bearer := &BearerAuth{
		introspector: introspector, rules: rules, log: slog.New(slog.DiscardHandler), allowed: countFromZero(issuers),
		Rules: make([]BearerRule, 1), upstream: upstream{guard: identityGuard, now: time.Now},
	}
	h := handling(func(w http.ResponseWriter, r *http.Request) error {
		return bearer.ServeHTTP(w, r, caddyhttp.HandlerFunc(next))
	})
	if err := h.request(tb.Context(), "Bearer opaque"); err != nil {
		tb.Fatal(err)
	}
	cache.Wait()
	return h
}

// request sends one request with an Authorization header, "" for none, in a
// context as that of a server is.
func (h handling) request(ctx context.Context, authorization string) error {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/orders/7", nil)
	if authorization != "" {
		r.Header["Authorization"] = []string{authorization}
	}
	return h(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server)))
}

// What bearer_auth costs a request with a token that is known already, above a
// request that passes nothing.
func BenchmarkServe(b *testing.B) {
	for _, handler := range []struct {
		name string
		handling
	}{{"floor", answering}, {"guarded", guarded(b, answering)}, {"waiting floor", waiting}, {"waiting guarded", guarded(b, waiting)}} {
		b.Run(handler.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if err := handler.request(ctx, "Bearer opaque"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a request costs that is refused: beside what its token costs, which is
// measured in introspect, it should not be more than one that passes.
func BenchmarkRefuse(b *testing.B) {
	source := &voucher{answer: lasting}
	h := guardedBy(b, source, answering)
	source.says(revoked)
	for name, authorization := range map[string]string{
		"no token": "", "other scheme": "Basic eDp5", "malformed": "Bearer a b", "bad token": "Bearer revoked", "passes": "Bearer opaque",
	} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if err := h.request(ctx, authorization); (err == nil) != (name == "passes") {
					b.Fatal(err)
				}
			}
		})
	}
}

func lasting(context.Context) (*introspect.Token, error) {
	t := minuteToken(true)
	t.Expires += 1 << 20
	t.ClientID, t.Scope = "shop", []string{"read", "write"}
	return t, nil
}

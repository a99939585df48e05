//go:build !race

package authserver_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
)

// What a request allocates grows by a form read twice, a key parsed for each
// signature or a document made for each reader, on every machine alike.
func TestRequestsAllocateLittle(t *testing.T) {
	h := newHouse(t)
	server, err := authserver.New(t.Context(), h.config, h.backend, authserver.Options{
		Observer: uncounted{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.server = server
	allocations := func(r request, handler http.Handler) int {
		return int(testing.AllocsPerRun(50, func() {
			var a answer
			if handler.ServeHTTP(&a, r.new()); a.status != http.StatusOK {
				t.Fatalf("%s: answered %d %s", r.path, a.status, a.body.String())
			}
		}))
	}
	signature := allocations(request{method: http.MethodPost, path: "/"}, bareSignature(t))
	for _, row := range []struct {
		name string
		r    request
		most int
	}{
		{"client_credentials", formOf("web", "access_token", "grant_type", "client_credentials", "scope", "read"), signature + 45},
		{"opaque", formOf("opaque", "access_token", "grant_type", "client_credentials", "scope", "read"), 62},
		{"introspection", formOf("web", "introspect", "token", h.answer(t, formOf("web", "access_token", "grant_type", "client_credentials"))["access_token"]), 36},
		{"discovery", request{method: http.MethodGet, path: "/oauth2/.well-known/openid-configuration"}, 24},
		{"JWKS", request{method: http.MethodGet, path: "/oauth2/connect/jwk_uri"}, 24},
	} {
		if n := allocations(row.r, server); n > row.most {
			t.Errorf("%s: %d allocations, want %d at most", row.name, n, row.most)
		}
	}
}

package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// G58, over HTTP/1.0 and HTTP/1.1: what a client calls hop-by-hop takes neither
// the identity away nor the need for one.
func TestG58_HopByHopHeadersOfEitherVersion(t *testing.T) {
	g := newGateway(t, setup{block: "public /public\nallow * *"})
	token := g.bearer(nil)
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		for _, lines := range [][]string{
			{"Connection: X-Auth-Subject"},
			{"Connection: close, Authorization, DPoP"},
			{"Connection: close, x_auth_subject, X.Auth.Scope, X-Auth-Issuer, X-Auth-Client-Id"},
			{"Connection: keep-alive", "Keep-Alive: X-Auth-Subject"},
			{"Connection: X-Auth-Subject", "Connection: X-Auth-Scope"},
			{"Connection: Upgrade, X-Auth-Subject", "Upgrade: X-Auth-Subject"},
			{"Proxy-Connection: X-Auth-Subject"},
			{"Connection: TE, X-Auth-Subject", "TE: trailers"},
		} {
			send := func(path string, more ...string) *http.Response {
				head := append([]string{"GET " + path + " " + version, "Host: " + g.address, "X-Auth-Subject: root"}, append(lines, more...)...)
				return g.raw(strings.Join(head, "\r\n") + "\r\n\r\n")
			}
			wantStatus(t, send("/x", token), http.StatusOK)
			raw := g.upstream.next()
			for n, name := range identityHeaders {
				if want := []string{"frida", "shop", "read", g.issuer.URL}[n : n+1]; !slices.Equal(header(raw, name), want) {
					t.Errorf("%s, %q: %s is %q, want %q", version, lines, name, header(raw, name), want)
				}
			}
			wantStatus(t, send("/x"), http.StatusUnauthorized)
			if raw := g.upstream.next(); raw != "" {
				t.Errorf("%s, %q: without a token the upstream got\n%s", version, lines, raw)
			}
			wantStatus(t, send("/public", token), http.StatusOK)
			if raw := g.upstream.next(); strings.Contains(raw, "root") || strings.Contains(raw, "frida") {
				t.Errorf("%s, %q: on a public path the upstream got\n%s", version, lines, raw)
			}
		}
	}
}

// G70: no refusal may be kept by a cache, and the answer to a request that was
// allowed is cached as its upstream says and no more.
func TestG70_NoRefusalIsCached(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if policy := r.URL.Query().Get("policy"); policy != "" {
			w.Header().Set("Cache-Control", policy)
		}
	}))
	t.Cleanup(upstream.Close)
	g := &gateway{t: t, issuer: newTestIssuer(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	down := newTestIssuer(t)
	down.broken()
	if err := load(t, config(t, "", "", fmt.Sprintf(`http://%s {
	bearer_auth %s %s {
		audience %s
		allow GET /read
		allow POST /read scope write
	}
	reverse_proxy %s
}
`, g.address, g.issuer.URL, down.URL, apiAudience, strings.TrimPrefix(upstream.URL, "http://")))); err != nil {
		t.Fatal(err)
	}
	token := g.bearer(nil)
	for name, c := range map[string]struct {
		status  int
		request string
		headers []string
	}{
		"no token":      {401, "GET /read", nil},
		"bad token":     {401, "GET /read", []string{"Authorization: Bearer bad"}},
		"two tokens":    {400, "GET /read", []string{token, token}},
		"bad path":      {400, "GET /read//x", []string{token}},
		"scope":         {403, "POST /read", []string{token}},
		"no rule":       {403, "GET /other", []string{token}},
		"nobody to ask": {503, "GET /read", []string{"Authorization: Bearer " + g.issuer.token(t, map[string]any{"iss": down.URL})}},
	} {
		response := g.send(c.request, c.headers...)
		wantStatus(t, response, c.status)
		if got := response.Header.Values("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
	}
	for _, policy := range []string{"", "private", "no-cache"} {
		response := g.send("GET /read?policy="+policy, token)
		wantStatus(t, response, http.StatusOK)
		if got := response.Header.Get("Cache-Control"); got != policy {
			t.Errorf("Cache-Control %q, the upstream said %q", got, policy)
		}
	}
}

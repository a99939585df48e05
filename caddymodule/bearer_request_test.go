package caddymodule_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestRS34_PathsThatTheUpstreamCouldReadOtherwiseAreRefused(t *testing.T) {
	g := newGateway(t, setup{block: "public /public*\nallow * /orders*"})
	token := g.bearer(nil)
	for _, target := range []string{
		"/public/../admin", "/public/./x", "/public/%2e%2e/admin", "/public/%2E./admin", "/public%2fadmin",
		"/public%5c..%5cadmin", "//admin", "/public//x", `/public\..\admin`, "/..", "x:public", "/public/..;/admin",
	} {
		response := g.send("GET "+target, token)
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", target, response.StatusCode)
		}
		if raw := g.upstream.next(); raw != "" {
			t.Errorf("%s: the upstream got\n%s", target, raw)
		}
	}
	for _, target := range []string{"/public", "/public/x.y", "/orders/..x", "/orders/%41", "/orders?next=/../x"} {
		if response := g.send("GET "+target, token); response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d, want 200", target, response.StatusCode)
		}
	}
}

// RFC 9112 §3.2.2: a target without a path is the root.
func TestRS34_ATargetWithoutAPathIsTheRoot(t *testing.T) {
	for name, block := range map[string]string{"matcher": "", "rules": "allow * / scope admin\nallow * *"} {
		s := setup{block: block}
		if name == "matcher" {
			s.matcher = "/*"
		}
		g := newGateway(t, s)
		for _, target := range []string{"http:", "http://" + g.address} {
			for credentials, want := range map[string]int{"": http.StatusUnauthorized, g.bearer(nil) + "\r\n": http.StatusForbidden} {
				if name == "matcher" && credentials != "" {
					want = http.StatusOK
				}
				response := g.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", target, g.address, credentials))
				if response.StatusCode != want {
					t.Errorf("%s, target %s, token %v: status %d, want %d", name, target, credentials != "", response.StatusCode, want)
				}
				if raw := g.upstream.next(); want != http.StatusOK && raw != "" {
					t.Errorf("%s, target %s: the upstream got\n%s", name, target, raw)
				}
			}
		}
	}
}

func TestRS36_PreflightPassesOnlyIfConfiguredAndWithoutIdentity(t *testing.T) {
	preflight := []string{"Origin: https://app.test", "Access-Control-Request-Method: POST"}
	closed := newGateway(t, setup{})
	wantStatus(t, closed.send("OPTIONS /", preflight...), http.StatusUnauthorized)

	open := newGateway(t, setup{block: "cors_preflight"})
	wantStatus(t, open.send("OPTIONS /", append(preflight, open.bearer(nil))...), http.StatusOK)
	if raw := open.upstream.next(); strings.Contains(raw, "X-Auth-") || strings.Contains(raw, "Authorization: ") {
		t.Errorf("the upstream got\n%s", raw)
	}
	// G63: what only looks like a preflight is a request like others.
	for name, request := range map[string][]string{
		"no method asked for": {"OPTIONS /", preflight[0]},
		"no origin":           {"OPTIONS /", preflight[1]},
		"another method":      append([]string{"POST /"}, preflight...),
	} {
		if response := open.send(request[0], request[1:]...); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, response.StatusCode)
		}
	}
}

func TestG63_NoMethodIsAWayAround(t *testing.T) {
	g := newGateway(t, setup{block: "allow GET,HEAD /orders*\nallow * /orders* scope write"})
	for method, want := range map[string]int{
		"GET": 200, "HEAD": 200, "get": 403, "POST": 403, "OPTIONS": 403, "TRACE": 403, "PROPFIND": 403, "GETT": 403,
	} {
		if response := g.send(method+" /orders", g.bearer(nil)); response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", method, response.StatusCode, want)
		}
		if response := g.send(method + " /orders"); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: status %d, want 401", method, response.StatusCode)
		}
	}
	for len(g.upstream.seen) > 0 {
		g.upstream.next()
	}
	wantStatus(t, g.send("CONNECT "+g.address), http.StatusUnauthorized)
	wantStatus(t, g.send("CONNECT "+g.address, g.bearer(nil)), http.StatusForbidden)
	if raw := g.upstream.next(); raw != "" {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestRS37_HeadersThatNameAnotherMethodOrPathHaveNoEffect(t *testing.T) {
	g := newGateway(t, setup{block: "public GET /public\nallow * /orders* scope write"})
	overrides := []string{
		"X-HTTP-Method-Override: GET", "X-Method-Override: GET", "X-Forwarded-Method: GET", "X_HTTP_Method_Override: GET",
		"X-Original-URL: /public", "X-Rewrite-URL: /public", "X-Forwarded-Uri: /public", "X-Original-URI: /public",
	}
	wantStatus(t, g.send("POST /orders", overrides...), http.StatusUnauthorized)
	wantStatus(t, g.send("POST /orders", append(overrides, g.bearer(nil))...), http.StatusForbidden)
	// Nor may the upstream act on a request that was not judged.
	wantStatus(t, g.send("GET /public", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /orders"), http.StatusOK)
	if raw := g.upstream.next(); strings.Contains(raw, "Override") || strings.Contains(raw, "Original") {
		t.Errorf("the upstream got\n%s", raw)
	}
}

// A request outside the matcher may not become, further down, one inside it.
func TestRS37_NorDoTheyOutsideTheMatcher(t *testing.T) {
	g := newGateway(t, setup{matcher: "/guarded*"})
	wantStatus(t, g.send("GET /free", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /guarded", "x_rewrite_url: /guarded"), http.StatusOK)
	if raw := g.upstream.next(); raw == "" || strings.Contains(raw, "DELETE") || strings.Contains(raw, "/guarded") {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestG69_ABadTokenIsRefusedBeforeTheBodyIsRead(t *testing.T) {
	g := newGateway(t, setup{})
	// The body never comes: an answer shows that nobody waited for it.
	for _, framing := range [][]string{
		{"Content-Length: 104857600"}, {"Content-Length: 104857600", "Expect: 100-continue"},
		{"Content-Length: 10", "Expect: 100-continue"}, {"Transfer-Encoding: chunked"},
	} {
		response := g.send("POST /", append(framing, "Authorization: Bearer bad")...)
		wantStatus(t, response, http.StatusUnauthorized)
	}
}

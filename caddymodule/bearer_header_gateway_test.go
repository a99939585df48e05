package caddymodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestRS18_MappedHeadersOfATokenAndOfItsRequest(t *testing.T) {
	g := newGateway(t, setup{block: `header X-User-Roles {http.auth.token.realm_access.roles} as csv
		header X-User-Name {http.auth.token.name} as rfc8187
		header X-Seen "{http.auth.user.id} via {http.request.header.X-Edge}"`})
	full := g.bearer(map[string]any{"name": "José", "realm_access": map[string]any{"roles": []string{"admin", "a,b"}}})
	poor := g.bearer(map[string]any{"realm_access": "none"})
	for range 2 { // the second time from what was remembered
		wantStatus(t, g.send("GET /", full, "X-Edge: north", "X-User-Roles: root", "x_user_roles: root"), http.StatusOK)
		raw := g.upstream.next()
		for name, want := range map[string]string{"X-User-Roles": "admin,a%2Cb", "X-User-Name": "UTF-8''Jos%C3%A9", "X-Seen": "frida via north"} {
			if got := header(raw, name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		// A claim that is not there leaves no header, the client's least of all.
		wantStatus(t, g.send("GET /", poor, "X-Edge: south", "X-User-Roles: root", "X-User-Name: root"), http.StatusOK)
		raw = g.upstream.next()
		if strings.Contains(raw, "X-User") || !slices.Equal(header(raw, "X-Seen"), []string{"frida via south"}) {
			t.Errorf("the upstream got\n%s", raw)
		}
	}
	// G47
	wantStatus(t, g.send("GET /", g.bearer(map[string]any{"name": "a\r\nX-User-Roles: root"})), http.StatusUnauthorized)
	wantStatus(t, g.send("GET /", g.bearer(map[string]any{"name": strings.Repeat("x", 5000)})), http.StatusUnauthorized)
	if raw := g.upstream.next(); raw != "" {
		t.Errorf("the upstream got\n%s", raw)
	}
}

// Two bearer_auth in a row: what the first has put on is the gateway's; what only
// the second guards is still the client's; and who is judged anew is told anew.
func TestASecondBearerAuthKeepsWhatTheFirstHasPutOn(t *testing.T) {
	g := &gateway{t: t, issuer: newTestIssuer(t), upstream: newRawUpstream(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	inner := fmt.Sprintf("bearer_auth %%s %s {\naudience %s\nheader X-Inner {http.auth.token.sub}\nallow * /both/scope scope write\nallow * /both/ok\npublic /both/open\n}\nreverse_proxy %s\n",
		g.issuer.URL, apiAudience, g.upstream.address)
	if err := load(t, config(t, "", "", fmt.Sprintf(`http://%s {
	bearer_auth %s {
		audience %s
		header X-Outer {http.auth.token.sub}
	}
	route {
		%s
	}
}
`, g.address, g.issuer.URL, apiAudience, fmt.Sprintf(inner, "/both*")))); err != nil {
		t.Fatal(err)
	}
	forged := []string{g.bearer(nil), "X-Inner: root", "X-Outer: root", "X-Auth-Subject: root"}
	for path, want := range map[string]map[string][]string{
		// Outside the matcher of the second: the identity of the first stands.
		"/one":       {"X-Auth-Subject": {"frida"}, "X-Outer": {"frida"}, "X-Inner": nil},
		"/both/ok":   {"X-Auth-Subject": {"frida"}, "X-Outer": nil, "X-Inner": {"frida"}},
		"/both/open": {"X-Auth-Subject": nil, "X-Outer": nil, "X-Inner": nil},
	} {
		wantStatus(t, g.send("GET "+path, forged...), http.StatusOK)
		raw := g.upstream.next()
		for name, values := range want {
			if got := header(raw, name); !slices.Equal(got, values) {
				t.Errorf("%s: %s is %q, want %q", path, name, got, values)
			}
		}
		if strings.Contains(raw, "root") {
			t.Errorf("%s: the upstream got\n%s", path, raw)
		}
	}
	wantStatus(t, g.send("GET /both/scope", forged...), http.StatusForbidden)
}

// An upstream that agreed to HTTP/2 would read requests that nobody has judged.
func TestAnUpgradeToHTTP2NeverReachesTheUpstream(t *testing.T) {
	g := newGateway(t, setup{matcher: "/guarded*", block: "public /guarded/public\nallow * *"})
	token := g.bearer(nil)
	for _, path := range []string{"/guarded/x", "/guarded/public", "/free"} {
		for _, upgrade := range []string{"h2c", "H2C", "h2", "HTTP/2.0", "h2c, websocket"} {
			for _, connection := range []string{"Upgrade, HTTP2-Settings", "upgrade", "close"} {
				wantStatus(t, g.send("GET "+path, token, "Connection: "+connection, "Upgrade: "+upgrade, "HTTP2-Settings: AAMAAABk"), http.StatusOK)
				raw := g.upstream.next()
				kept := strings.ToLower(strings.Join(header(raw, "Upgrade"), ","))
				if raw == "" || kept != "" && kept != "websocket" || strings.Contains(strings.ToLower(raw), "http2-settings") {
					t.Errorf("%s, Connection: %s, Upgrade: %s: the upstream got\n%s", path, connection, upgrade, raw)
				}
			}
		}
		wantStatus(t, g.send("GET "+path, token, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"), http.StatusOK)
		if raw := g.upstream.next(); !slices.Equal(header(raw, "Upgrade"), []string{"websocket"}) {
			t.Errorf("%s: a WebSocket lost its upgrade:\n%s", path, raw)
		}
	}
}

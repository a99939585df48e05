package caddymodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// identityHeaders are the headers that tell the upstream who calls.
var identityHeaders = []string{"X-Auth-Subject", "X-Auth-Client-Id", "X-Auth-Scope", "X-Auth-Issuer"}

// spellings are ways to write a header that some upstream takes for it.
func spellings(name string) []string {
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name),
		strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(strings.ToLower(name), "-", "_"),
		strings.ReplaceAll(name, "-", "."), strings.ReplaceAll(name, "-", "!"),
		strings.Replace(name, "-", "_", 1), strings.Replace(name, "-", ".", 1),
	}
}

// keepAliases makes Caddy keep names with underscores and dots, so that the
// tests see our firewall and not the one that Caddy has since v2.11.9.
func keepAliases() string {
	var underscores, dots []string
	for _, name := range identityHeaders {
		underscores = append(underscores, strings.ReplaceAll(name, "-", "_"))
		dots = append(dots, strings.ReplaceAll(name, "-", "."))
	}
	return fmt.Sprintf("servers {\nexpected_underscore_headers %s\nexpected_dot_headers %s\n}",
		strings.Join(underscores, " "), strings.Join(dots, " "))
}

func TestRS17_EverySpellingOfEveryIdentityHeaderIsRemovedOnEveryPath(t *testing.T) {
	g := newGateway(t, setup{
		globals: keepAliases(),
		matcher: "/guarded*",
		block: `public /guarded/public
		allow * /guarded/write scope write
		allow * *
		mode optional
		cors_preflight`,
		site: `handle_errors {
		reverse_proxy UPSTREAM
	}`,
	})
	token := g.bearer(nil)
	preflight := []string{"Origin: https://evil.test", "Access-Control-Request-Method: GET"}
	for name, path := range map[string]struct {
		request  string
		headers  []string
		identity []string
	}{
		"allowed":   {"GET /guarded/x", []string{token}, []string{"frida", "shop", "read", g.issuer.URL}},
		"public":    {"GET /guarded/public", []string{token}, nil},
		"anonymous": {"GET /guarded/x", nil, nil},
		"preflight": {"OPTIONS /guarded/x", preflight, nil},
		"outside":   {"GET /free", nil, nil},
		// handle_errors sends refused requests to the same upstream.
		"without scope": {"GET /guarded/write", []string{token}, nil},
		"bad token":     {"GET /guarded/x", []string{"Authorization: Bearer bad"}, nil},
		"malformed":     {"GET /guarded/x", []string{"Authorization: Bearer"}, nil},
		"bad path":      {"GET /guarded//x", []string{token}, nil},
	} {
		for n, guarded := range identityHeaders {
			for _, spelled := range spellings(guarded) {
				wantStatus(t, g.send(path.request, append(path.headers, spelled+": root")...), http.StatusOK)
				raw := g.upstream.next()
				if raw == "" || strings.Contains(raw, "root") {
					t.Errorf("%s, %s: the upstream got\n%s", name, spelled, raw)
				}
				var want []string
				if path.identity != nil {
					want = path.identity[n : n+1]
				}
				if got := header(raw, guarded); !slices.Equal(got, want) {
					t.Errorf("%s, %s: the upstream got %q, want %q", name, spelled, got, want)
				}
			}
		}
	}
}

// M1: a proxy deletes the headers that Connection names, after we set them.
func TestG58_ConnectionCannotTakeTheIdentityAway(t *testing.T) {
	g := newGateway(t, setup{block: "token forward"})
	token := g.bearer(nil)
	for _, version := range []string{"1.1", "1.0"} {
		for _, line := range []string{
			"Connection: close, X-Auth-Subject",
			"Connection: X-Auth-Subject,X-Auth-Client-Id ,\tX-Auth-Scope, X-Auth-Issuer, close",
			"connection: close, x-auth-subject",
			"Connection: close, Authorization, DPoP",
			"Connection: close\r\nConnection: X-Auth-Subject\r\nConnection: X-Auth-Issuer",
			"Connection: close\r\nKeep-Alive: X-Auth-Subject, timeout=5",
			"Connection: close\r\nProxy-Connection: X-Auth-Subject",
		} {
			request := fmt.Sprintf("GET / HTTP/%s\r\nHost: %s\r\n%s\r\n%s\r\nDPoP: proof\r\n\r\n", version, g.address, token, line)
			wantStatus(t, g.raw(request), http.StatusOK)
			raw := g.upstream.next()
			for n, want := range []string{"frida", "shop", "read", g.issuer.URL} {
				if got := header(raw, identityHeaders[n]); !slices.Equal(got, []string{want}) {
					t.Errorf("HTTP/%s with %q: %s is %q, want %q", version, line, identityHeaders[n], got, want)
				}
			}
			// A proof is for us; the token goes on.
			if len(header(raw, "Authorization")) != 1 || len(header(raw, "Dpop")) != 0 {
				t.Errorf("HTTP/%s with %q: the token to forward is gone, or the proof is not:\n%s", version, line, raw)
			}
		}
	}
	// Without a token there is nothing to win by it.
	wantStatus(t, g.send("GET /", "Connection: close, Authorization", "X-Auth-Subject: root"), http.StatusUnauthorized)
}

func TestG58_OtherHeadersOfTheConnectionStayHopByHop(t *testing.T) {
	g := newGateway(t, setup{})
	wantStatus(t, g.send("GET /", g.bearer(nil), "Connection: X-Hop, X-Auth-Subject", "X-Hop: mine"), http.StatusOK)
	if raw := g.upstream.next(); strings.Contains(raw, "X-Hop") {
		t.Errorf("the upstream got a header of the connection:\n%s", raw)
	}
}

func TestRS35_AnUpgradeKeepsItsIdentity(t *testing.T) {
	g := newGateway(t, setup{})
	upgrade := []string{"Connection: Upgrade, X-Auth-Subject", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"}
	wantStatus(t, g.send("GET /", upgrade...), http.StatusUnauthorized)
	if raw := g.upstream.next(); raw != "" {
		t.Errorf("without a token the upstream got\n%s", raw)
	}
	wantStatus(t, g.send("GET /", append(upgrade, g.bearer(nil))...), http.StatusOK)
	raw := g.upstream.next()
	if !slices.Equal(header(raw, "Connection"), []string{"Upgrade"}) || !slices.Equal(header(raw, "X-Auth-Subject"), []string{"frida"}) {
		t.Errorf("the upstream got\n%s", raw)
	}
}

// M2: an upstream that reads trailers as headers must find none of these,
// neither announced nor slipped in.
func TestRS17_TrailersCarryNoIdentity(t *testing.T) {
	g := newGateway(t, setup{globals: keepAliases()})
	for _, spelled := range spellings("X-Auth-Subject") {
		for name, announced := range map[string]string{
			"announced":             spelled + ", X-Checksum",
			"not announced":         "X-Checksum",
			"nothing but announced": spelled,
		} {
			request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\n%s\r\nTE: trailers\r\nTrailer: %s\r\nTransfer-Encoding: chunked\r\n\r\n"+
				"5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n%s: root\r\n\r\n", g.address, g.bearer(nil), announced, spelled)
			wantStatus(t, g.raw(request), http.StatusOK)
			raw := g.upstream.next()
			if strings.Contains(raw, "root") || strings.Count(strings.ToLower(raw), "subject") != 1 {
				t.Errorf("%s, %s: the upstream got\n%s", name, spelled, raw)
			}
			if name != "nothing but announced" && !slices.Equal(header(raw, "X-Checksum"), []string{"5d41"}) {
				t.Errorf("%s, %s: an honest trailer is lost:\n%s", name, spelled, raw)
			}
		}
	}
}

func TestG60_TheProxyHeaderIsDropped(t *testing.T) {
	g := newGateway(t, setup{})
	wantStatus(t, g.send("GET /", g.bearer(nil), "Proxy: http://evil.test"), http.StatusOK)
	if raw := g.upstream.next(); strings.Contains(raw, "evil.test") {
		t.Errorf("the upstream got\n%s", raw)
	}
}

func TestG40_ClaimsBecomeOneWellFormedHeaderEach(t *testing.T) {
	g := newGateway(t, setup{})
	for subject, want := range map[string]string{
		"josé":        "jos%C3%A9",
		" root ":      "%20root%20",
		"jos%C3%A9":   "jos%25C3%25A9",
		"a b":         "a b",
		"\u202eroot":  "%E2%80%AEroot",
		`a", b=c; \\`: `a", b=c; \\`,
	} {
		wantStatus(t, g.send("GET /", g.bearer(map[string]any{"sub": subject})), http.StatusOK)
		if got := header(g.upstream.next(), "X-Auth-Subject"); !slices.Equal(got, []string{want}) {
			t.Errorf("subject %q arrives as %q, want %q", subject, got, want)
		}
	}
	for _, subject := range []string{"a\r\nX-Auth-Scope: admin", "a\nb", "a\u0000b", strings.Repeat("x", 5000)} {
		wantStatus(t, g.send("GET /", g.bearer(map[string]any{"sub": subject})), http.StatusUnauthorized)
	}
	// What a token does not say has no header, whatever the client sends.
	wantStatus(t, g.send("GET /", g.bearer(map[string]any{"scope": nil, "client_id": nil}), "X-Auth-Scope: admin"), http.StatusOK)
	if raw := g.upstream.next(); strings.Contains(raw, "X-Auth-Scope") || strings.Contains(raw, "X-Auth-Client-Id") {
		t.Errorf("the upstream got\n%s", raw)
	}
}

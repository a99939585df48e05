package caddymodule_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
)

// What each mode makes of each request to each kind of rule, with tokens that are
// bound and tokens that are not. In no mode and on no path is there an identity
// that was not proven (RS12, RS17, RS20, RS36, RS38, G43, G44).
func TestRS38_RS20_RS36_ModesRulesAndBoundTokens(t *testing.T) {
	thief := dpoptest.NewKey()
	type wanted struct {
		status   int
		identity bool
	}
	ok, passes := wanted{200, true}, wanted{200, false}
	refused, forbidden, bad := wanted{401, false}, wanted{403, false}, wanted{400, false}
	modes := []string{"required", "optional", "report_only"}
	for i, mode := range modes {
		g := newProvingGateway(t, setup{
			globals: keepAliases(),
			block:   "dpop\ncors_preflight\nmode " + mode + "\npublic /public\nallow * /write* scope write\nallow * /read*",
		})
		preflight := []string{"Origin: https://app.test", "Access-Control-Request-Method: POST"}
		bearer := func(token string) []string { return []string{"Authorization: Bearer " + token} }
		cnf := func(value any) string { return g.issuer.token(t, map[string]any{"cnf": value}) }
		proven := func(method, path string, claims map[string]any) []string {
			return g.proof(method, path, g.bound(claims), nil)
		}
		bound := g.bound(nil)
		besideProof := append(bearer(bound), g.proof("GET", "/read", bound, nil)[1:]...)
		used := proven("GET", "/read", nil)
		wantStatus(t, g.send("GET /read", used...), http.StatusOK)
		g.upstream.next()
		for _, c := range []struct {
			name, request string
			headers       []string
			want          [3]wanted // by mode
		}{
			{"unbound", "GET /read", []string{g.bearer(nil)}, [3]wanted{ok, ok, ok}},
			{"proven", "GET /read", proven("GET", "/read", nil), [3]wanted{ok, ok, ok}},
			{"proven, of the scope", "GET /write", proven("GET", "/write", map[string]any{"scope": "write"}), [3]wanted{ok, ok, ok}},
			{"proven, not of the scope", "GET /write", proven("GET", "/write", nil), [3]wanted{forbidden, forbidden, passes}},
			{"proven, no rule", "GET /other", proven("GET", "/other", nil), [3]wanted{forbidden, forbidden, passes}},
			{"used before", "GET /read", used, [3]wanted{refused, refused, passes}},
			{"another path", "GET /read/x", proven("GET", "/read", nil), [3]wanted{refused, refused, passes}},
			{"another method", "POST /read", proven("GET", "/read", nil), [3]wanted{refused, refused, passes}},
			{"stolen", "GET /read", provingGateway{g.gateway, thief}.proof("GET", "/read", g.bound(nil), nil), [3]wanted{refused, refused, passes}},
			{"no proof", "GET /read", []string{"Authorization: DPoP " + g.bound(nil)}, [3]wanted{refused, refused, passes}},
			{"bound, Bearer", "GET /read", bearer(g.bound(nil)), [3]wanted{refused, refused, passes}},
			{"bound, Bearer, of the scope", "GET /write", bearer(g.bound(map[string]any{"scope": "write"})), [3]wanted{refused, refused, passes}},
			{"bound, Bearer, a proof beside it", "GET /read", besideProof, [3]wanted{refused, refused, passes}},
			{"bound to a certificate", "GET /read", bearer(cnf(map[string]any{"x5t#S256": g.key.Thumbprint()})), [3]wanted{refused, refused, passes}},
			{"bound to what nobody knows", "GET /read", bearer(cnf(map[string]any{"x": "y"})), [3]wanted{refused, refused, passes}},
			{"cnf is text", "GET /read", bearer(cnf("x")), [3]wanted{refused, refused, passes}},
			{"cnf is empty", "GET /read", bearer(cnf(map[string]any{})), [3]wanted{refused, refused, passes}},
			{"two schemes", "GET /read", append(proven("GET", "/read", nil), g.bearer(nil)), [3]wanted{bad, bad, passes}},
			{"public, bound, Bearer", "GET /public", bearer(g.bound(nil)), [3]wanted{passes, passes, passes}},
			{"public, proven", "GET /public", proven("GET", "/public", nil), [3]wanted{passes, passes, passes}},
			{"preflight", "OPTIONS /write", preflight, [3]wanted{passes, passes, passes}},
			{"preflight, no rule", "OPTIONS /other", preflight, [3]wanted{passes, passes, passes}},
			{"preflight, proven", "OPTIONS /read", append(proven("OPTIONS", "/read", nil), preflight...), [3]wanted{passes, passes, passes}},
			{"no preflight", "OPTIONS /write", preflight[:1], [3]wanted{refused, refused, passes}},
			{"nothing", "GET /read", nil, [3]wanted{refused, passes, passes}},
			{"nothing, where a scope is asked", "GET /write", nil, [3]wanted{refused, refused, passes}},
			{"nothing, no rule", "GET /other", nil, [3]wanted{refused, refused, passes}},
			{"a proof alone", "GET /read", proven("GET", "/read", nil)[1:], [3]wanted{refused, passes, passes}},
		} {
			forged := []string{"X-Auth-Subject: root", "x_auth_scope: root", "Connection: close, X-Auth-Subject"}
			response := g.send(c.request, slices.Concat(forged, c.headers)...)
			raw, want := g.upstream.next(), c.want[i]
			if response.StatusCode != want.status || (raw != "") != (want.status == http.StatusOK) {
				t.Errorf("%s, %s: status %d, want %d; the upstream got\n%s", mode, c.name, response.StatusCode, want.status, raw)
			}
			subject := header(raw, "X-Auth-Subject")
			if strings.Contains(raw, "root") || len(subject) > 1 || (len(subject) == 1 && subject[0] == "frida") != want.identity {
				t.Errorf("%s, %s: the identity is %q:\n%s", mode, c.name, subject, raw)
			}
		}
	}
}

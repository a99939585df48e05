package introspect_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// withJWTs runs a test against one issuer with one ES256 key.
func withJWTs(t *testing.T, tokenType string, test func(t *testing.T, at *introspect.Introspector, key signingKey, idp *issuer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k", oauth.ES256)
		server := newIssuer(key)
		remote := start(t, server, func(f *introspect.Foreign) { f.TokenType = tokenType })
		synctest.Wait()
		test(t, route(t, remote, nil), key, server)
	})
}

// change is one claim set, or taken out by nil.
type change struct {
	name  string
	value any
	want  string
}

func runChanges(t *testing.T, tokenType, typ string, changes []change) {
	t.Helper()
	withJWTs(t, tokenType, func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
		for _, c := range changes {
			token := key.sign(typ, claims(time.Now(), map[string]any{c.name: c.value}))
			if got := verdict(t, at, token); got != c.want {
				t.Errorf("%s = %.60v: %q, want %q", c.name, c.value, got, c.want)
			}
		}
	})
}

func TestToken(t *testing.T) {
	withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
		now := time.Now()
		result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(key.sign("at+jwt", claims(now, map[string]any{
			"aud": []string{"https://other.example.com", api}, "nbf": now.Unix(), "scope": "a b", "roles": []string{"admin"},
		})))})

		if err != nil {
			t.Fatal(err)
		}
		got := *result.Token
		got.Claims, got.Generation = nil, 0
		want := introspect.Token{
			Issuer: idp, Subject: "alice", ClientID: "web", Scope: oauth.Scope{"a", "b"}, ID: "t1",
			Audience: []string{"https://other.example.com", api}, Expires: now.Unix() + 600, NotBefore: now.Unix(), IssuedAt: now.Unix(),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("token %+v, want %+v", got, want)
		}
		if roles := result.Token.Claims.All()["roles"]; !reflect.DeepEqual(roles, []any{"admin"}) {
			t.Errorf("roles %v", roles)
		}
		if result.Issuer != "corp" || result.Cached {
			t.Errorf("result %+v", result)
		}
	})
}

func TestG37_RS8_Time(t *testing.T) {
	// The leeway is 10 s; the clock of a bubble stands still.
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		changes := []change{
			{"exp", now + 1, "ok"}, {"exp", now, "ok"}, {"exp", now - 1, "ok"}, {"exp", now - 9, "ok"},
			{"exp", now - 10, introspect.ReasonExpired}, {"exp", now - 11, introspect.ReasonExpired},
			{"exp", now - 59, introspect.ReasonExpired}, {"exp", now - 60, introspect.ReasonExpired}, {"exp", 0, introspect.ReasonExpired},
			{"exp", json.Number("1e300"), introspect.ReasonClaims}, {"exp", json.Number("1e400"), introspect.ReasonClaims},
			{"exp", "2000000000", introspect.ReasonClaims}, {"exp", []int64{now + 60}, introspect.ReasonClaims}, {"exp", -1, introspect.ReasonClaims},
			{"exp", nil, introspect.ReasonClaims}, {"exp", true, introspect.ReasonClaims},
			{"nbf", now, "ok"}, {"nbf", now + 10, "ok"}, {"nbf", now + 11, introspect.ReasonNotYetValid}, {"nbf", now + 3600, introspect.ReasonNotYetValid},
			{"nbf", "soon", introspect.ReasonClaims},
			{"iat", now + 10, "ok"}, {"iat", now + 11, introspect.ReasonNotYetValid}, {"iat", now + 3600, introspect.ReasonNotYetValid},
			{"iat", "now", introspect.ReasonClaims}, {"iat", nil, "ok"},
		}
		key := newKey("k", oauth.ES256)
		remote := start(t, newIssuer(key), nil)
		at := route(t, remote, nil)
		synctest.Wait()
		for _, c := range changes {
			if got := verdict(t, at, key.sign("", claims(time.Now(), map[string]any{c.name: c.value}))); got != c.want {
				t.Errorf("%s = %v: %q, want %q", c.name, c.value, got, c.want)
			}
		}
		// Without leeway: on or after exp it is dead.
		exact := route(t, remote, func(c *introspect.Config) { c.Leeway = 0 })
		expect(t, exact, key.sign("", claims(time.Now(), map[string]any{"exp": now})), introspect.ReasonExpired)
		expect(t, exact, key.sign("", claims(time.Now(), map[string]any{"exp": now + 1})), "ok")
		expect(t, exact, key.sign("", claims(time.Now(), map[string]any{"nbf": now + 1})), introspect.ReasonNotYetValid)
	})
}

func TestG38_RS10_Audience(t *testing.T) {
	runChanges(t, "", "at+jwt", []change{
		{"aud", api, "ok"}, {"aud", []string{api, "other"}, "ok"}, {"aud", []string{"other", api}, "ok"},
		{"aud", nil, introspect.ReasonAudience}, {"aud", "", introspect.ReasonAudience}, {"aud", []string{}, introspect.ReasonAudience},
		{"aud", "other", introspect.ReasonAudience}, {"aud", []string{"other"}, introspect.ReasonAudience},
		{"aud", []any{1, api}, introspect.ReasonClaims}, {"aud", json.RawMessage("null"), introspect.ReasonClaims},
		{"aud", []any{[]string{api}}, introspect.ReasonClaims}, {"aud", map[string]string{"a": api}, introspect.ReasonClaims}, {"aud", 1, introspect.ReasonClaims},
		{"aud", api + "/", introspect.ReasonAudience}, {"aud", "https://API.example.com", introspect.ReasonAudience},
		{"aud", api + ".evil.example", introspect.ReasonAudience}, {"aud", "https://api.example", introspect.ReasonAudience},
		{"aud", api + " other", introspect.ReasonAudience}, {"aud", "http://api.example.com", introspect.ReasonAudience},
	})
}

func TestG39_RS9_Issuer(t *testing.T) {
	withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, key signingKey, server *issuer) {
		before := server.total()
		for _, iss := range []any{
			idp + "/", "http://idp.example.com", idp + ":443", "https://IDP.example.com", idp + "/.", "https://idp.example.com.", "https://\u0456dp.example.com",
			idp + "#", idp + "?", " " + idp, "", nil, []string{idp}, 1, json.RawMessage("null"),
		} {
			token := key.sign("at+jwt", claims(time.Now(), map[string]any{"iss": iss}))
			if got := verdict(t, at, token); got != introspect.ReasonIssuer {
				t.Errorf("iss %v: %q", iss, got)
			}
		}
		if server.total() != before {
			t.Error("an unknown issuer made a request")
		}
	})
}

func TestG40_Subject(t *testing.T) {
	runChanges(t, "", "at+jwt", []change{
		{"sub", nil, introspect.ReasonClaims}, {"sub", "", introspect.ReasonClaims}, {"sub", 1, introspect.ReasonClaims},
		{"sub", strings.Repeat("s", 255), "ok"}, {"sub", strings.Repeat("s", 256), introspect.ReasonClaims},
		{"sub", "a\r\nX-Admin: 1", introspect.ReasonClaims}, {"sub", "a\x7f", introspect.ReasonClaims}, {"sub", "a\u0085b", introspect.ReasonClaims},
		{"sub", "\u00e9l\u00e8ve", "ok"}, {"sub", " alice", "ok"}, // header encoding is the HTTP edge's
		{"client_id", 1, introspect.ReasonClaims}, {"client_id", "a\nb", introspect.ReasonClaims}, {"client_id", strings.Repeat("c", 256), introspect.ReasonClaims},
		{"jti", 1, introspect.ReasonClaims}, {"azp", []string{"x"}, introspect.ReasonClaims},
	})
}

func TestG42_StrictNeedsWhatRFC9068Requires(t *testing.T) {
	runChanges(t, introspect.TokenTypeStrict, "at+jwt", []change{
		{"scope", nil, "ok"}, {"client_id", nil, introspect.ReasonClaims}, {"client_id", "", introspect.ReasonClaims},
		{"jti", nil, introspect.ReasonClaims}, {"jti", "", introspect.ReasonClaims}, {"iat", nil, introspect.ReasonClaims}, {"sub", nil, introspect.ReasonClaims},
	})
	runChanges(t, introspect.TokenTypeCompat, "at+jwt", []change{{"client_id", nil, "ok"}, {"jti", nil, "ok"}, {"iat", nil, "ok"}})
}

func TestG43_G44_RS38_BoundTokens(t *testing.T) {
	runChanges(t, "", "at+jwt", []change{
		{"cnf", map[string]string{"jkt": "x"}, introspect.ReasonBound}, {"cnf", map[string]string{"x5t#S256": "x"}, introspect.ReasonBound},
		{"cnf", map[string]string{"jkt": "x", "x5t#S256": "y"}, introspect.ReasonBound}, {"cnf", map[string]string{}, introspect.ReasonBound},
		{"cnf", map[string]string{"other": "x"}, introspect.ReasonBound}, {"cnf", "text", introspect.ReasonBound}, {"cnf", json.RawMessage("null"), introspect.ReasonBound},
	})
}

func TestG15_RS11_Type(t *testing.T) {
	for typ, want := range map[string][2]string{ // compat, strict
		"at+jwt": {"ok", "ok"}, "AT+JWT": {"ok", "ok"}, "application/at+jwt": {"ok", "ok"},
		"JWT": {"ok", "type"}, "jwt": {"ok", "type"}, "application/jwt": {"ok", "type"}, "": {"ok", "type"},
		"at+jwt ": {"type", "type"}, "dpop+jwt": {"type", "type"}, "logout+jwt": {"type", "type"}, "secevent+jwt": {"type", "type"},
		"token-introspection+jwt": {"type", "type"}, "oauth-authz-req+jwt": {"type", "type"}, "JOSE": {"type", "type"}, "rt+jwt": {"type", "type"},
	} {
		for n, tokenType := range []string{introspect.TokenTypeCompat, introspect.TokenTypeStrict} {
			withJWTs(t, tokenType, func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
				if got := verdict(t, at, key.sign(typ, claims(time.Now(), nil))); got != want[n] {
					t.Errorf("typ %q, %s: %q, want %q", typ, tokenType, got, want[n])
				}
			})
		}
	}
}

func TestG16_RS11_OtherJWTs(t *testing.T) {
	now := time.Now()
	idToken := map[string]any{"client_id": nil, "jti": nil, "scope": nil}
	with := func(more map[string]any) map[string]any {
		all := map[string]any{}
		for _, from := range []map[string]any{idToken, more} {
			for name, value := range from {
				all[name] = value
			}
		}
		return all
	}
	for name, changes := range map[string]map[string]any{
		"ID token with nonce":     with(map[string]any{"nonce": "n"}),
		"ID token with at_hash":   with(map[string]any{"at_hash": "x"}),
		"ID token with c_hash":    with(map[string]any{"c_hash": "x"}),
		"ID token for azp":        with(map[string]any{"azp": api}),
		"ID token for client_id":  {"client_id": api},
		"ID token in a list":      {"client_id": api, "aud": []string{api}},
		"logout token":            with(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}),
		"DPoP proof":              {"htm": "GET", "htu": api},
		"request object":          {"response_type": "code"},
		"introspection answer":    {"token_introspection": map[string]any{"active": true}},
		"refresh token by typ":    {"typ": "Refresh"},
		"ID token by typ":         {"typ": "ID"},
		"odd typ":                 {"typ": 1},
		"ID token by token_use":   {"token_use": "id"},
		"refresh by token_use":    {"token_use": "refresh_token"},
		"null token_use":          {"token_use": json.RawMessage("null")},
		"null nonce is still one": {"nonce": json.RawMessage("null")},
	} {
		withJWTs(t, introspect.TokenTypeCompat, func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
			now = time.Now()
			for _, typ := range []string{"JWT", ""} {
				if got := verdict(t, at, key.sign(typ, claims(now, changes))); got != introspect.ReasonType {
					t.Errorf("%s, typ %q: %q", name, typ, got)
				}
			}
		})
	}
	runChanges(t, introspect.TokenTypeCompat, "JWT", []change{{"typ", "Bearer", "ok"}, {"token_use", "access", "ok"}, {"azp", "web", "ok"}})
	// A JARM response and a client assertion have no subject, or another issuer.
	runChanges(t, introspect.TokenTypeCompat, "JWT", []change{{"sub", nil, introspect.ReasonClaims}, {"iss", "web", introspect.ReasonIssuer}})
}

func TestScopeAndClient(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]any
		scope   string
		client  string
		want    string
	}{
		"scope":                {map[string]any{"scope": "a b a"}, "a b", "web", "ok"},
		"no scope":             {map[string]any{"scope": nil}, "", "web", "ok"},
		"empty scope":          {map[string]any{"scope": ""}, "", "web", "ok"},
		"scp text":             {map[string]any{"scope": nil, "scp": "a b"}, "a b", "web", "ok"},
		"scp list":             {map[string]any{"scope": nil, "scp": []string{"a", "b"}}, "a b", "web", "ok"},
		"scope before scp":     {map[string]any{"scope": "a", "scp": []string{"admin"}}, "a", "web", "ok"},
		"scope as a list":      {map[string]any{"scope": []string{"a"}}, "", "", introspect.ReasonClaims},
		"two spaces":           {map[string]any{"scope": "a  b"}, "", "", introspect.ReasonClaims},
		"quote in a scope":     {map[string]any{"scope": `a"b`}, "", "", introspect.ReasonClaims},
		"number in scp":        {map[string]any{"scope": nil, "scp": []any{"a", 1}}, "", "", introspect.ReasonClaims},
		"101 scopes":           {map[string]any{"scope": strings.TrimSpace(strings.Repeat("s ", 101))}, "", "", introspect.ReasonClaims},
		"azp for client_id":    {map[string]any{"client_id": nil, "azp": "spa"}, "orders:read", "spa", "ok"},
		"client_id before azp": {map[string]any{"azp": "spa"}, "orders:read", "web", "ok"},
	} {
		withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, key signingKey, _ *issuer) {
			token := key.sign("at+jwt", claims(time.Now(), c.changes))
			if got := verdict(t, at, token); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
				return
			}
			if c.want != "ok" {
				return
			}
			result, _ := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret(token)})
			if result.Token.Scope.String() != c.scope || result.Token.ClientID != c.client {
				t.Errorf("%s: scope %q, client %q", name, result.Token.Scope, result.Token.ClientID)
			}
		})
	}
}

func TestG25_G26_G27_RS7_Payloads(t *testing.T) {
	withJWTs(t, "", func(t *testing.T, at *introspect.Introspector, key signingKey, server *issuer) {
		good, _ := json.Marshal(claims(time.Now(), nil))
		body := strings.TrimSuffix(string(good), "}")
		header := `{"alg":"ES256","kid":"k","typ":"at+jwt"}`
		expect(t, at, key.signRaw(header, body+"}"), "ok")
		before := server.total()
		for _, payload := range []string{
			body + `,"sub":"root"}`, body + `,"exp":9999999999}`, body + `,"aud":"x"}`, body + `,"Exp":9999999999}`, body + `,"SUB":"root"}`,
			body + `,"x":{"a":1,"a":2}}`, "\ufeff" + body + "}", body + ",\"x\":\"\xff\"}", body + `,"x":"\ud800"}`, body + `,"x":"\u0000"}`,
			body + "}{}", body + "} x", "null", "[]", "1", `"x"`, "", strings.Repeat(`{"a":`, 1000),
			key.sign("at+jwt", claims(time.Now(), nil)), // G17: a JWS in a JWS
		} {
			if got := verdict(t, at, key.signRaw(header, payload)); got != introspect.ReasonMalformed {
				t.Errorf("%.60q: %q", payload, got)
			}
		}
		if server.total() != before {
			t.Error("a malformed token made a request")
		}
	})
}

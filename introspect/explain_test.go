package introspect_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// Each token is explained with the verdict that a request gets, and with words
// that tell what to look at.
func TestExplainAgreesWithIntrospect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k1", oauth.ES256)
		at := newIssuer(key)
		at.tokens["known"] = map[string]any{"active": true, "sub": "olga", "aud": api, "exp": time.Now().Unix() + 60}
		remote := start(t, at, withClient)
		pass(time.Second)
		list := introspect.NewDenyList(time.Now)
		list.Apply([]introspect.Denial{{ID: "d1", Kind: introspect.DenySubject, Value: "mallory", Expires: time.Now().Add(time.Hour)}})
		cache := newCache(t)
		guard := route(t, remote, func(c *introspect.Config) { c.DenyList, c.Cache = list, cache })
		now := time.Now()
		sign := func(changes map[string]any) string { return key.sign("at+jwt", claims(now, changes)) }
		many := make([]string, 40)
		for n := range many {
			many[n] = strings.Repeat("x", 100)
		}
		for name, row := range map[string]struct {
			token, verdict, detail string
			vouched                bool
		}{
			"good":              {sign(nil), "ok", "", true},
			"opaque":            {"known", "ok", "", true},
			"opaque, unknown":   {"unknown", introspect.ReasonInactive, "", false},
			"empty":             {"", introspect.ReasonMalformed, "", false},
			"not a JWS":         {"ey.ey", introspect.ReasonMalformed, "", false},
			"expired":           {sign(map[string]any{"exp": now.Unix() - 192}), introspect.ReasonExpired, "expired 3m12s ago, at ", false},
			"expired just now":  {sign(map[string]any{"exp": now.Unix() - 20}), introspect.ReasonExpired, "expired 20s ago, at ", true},
			"from the future":   {sign(map[string]any{"iat": now.Unix() + 90}), introspect.ReasonNotYetValid, "iat lies 1m30s in the future, at ", false},
			"not before":        {sign(map[string]any{"nbf": now.Unix() + 60}), introspect.ReasonNotYetValid, "nbf lies 1m0s in the future, at ", true},
			"another's issuer":  {sign(map[string]any{"iss": "https://evil.example"}), introspect.ReasonIssuer, `iss is "https://evil.example"; this route trusts ["` + idp + `"]`, false},
			"another's token":   {sign(map[string]any{"aud": []string{"x", "y"}}), introspect.ReasonAudience, `aud is ["x", "y"]; this route takes ["` + api + `"]`, true},
			"many audiences":    {sign(map[string]any{"aud": many}), introspect.ReasonAudience, `, …]; this route takes`, true},
			"another algorithm": {newKey("k1", "HS256").signRaw(`{"alg":"HS256","typ":"at+jwt","kid":"k1"}`, mustJSON(claims(now, nil))), introspect.ReasonAlgorithm, `alg is "HS256"`, false},
			"unknown key":       {newKey("k9\n", oauth.ES256).sign("at+jwt", claims(now, nil)), introspect.ReasonUnknownKey, `kid is "k9\n", alg is "ES256"`, false},
			"forged":            {newKey("k1", oauth.ES256).sign("at+jwt", claims(now, nil)), introspect.ReasonSignature, `kid is "k1", alg is "ES256"`, false},
			"ID token":          {key.sign("logout+jwt", claims(now, nil)), introspect.ReasonType, `typ is "logout+jwt"`, false},
			"says it is one":    {key.sign("JWT", claims(now, map[string]any{"nonce": "n"})), introspect.ReasonType, `typ is "JWT", and nonce is as in another kind of JWT`, false},
			"for its client":    {key.sign("JWT", claims(now, map[string]any{"aud": "web", "client_id": "web"})), introspect.ReasonType, `and aud is as in`, false},
			"no audience":       {sign(map[string]any{"aud": nil}), introspect.ReasonAudience, `it has no aud; this route takes ["` + api + `"]`, false},
			"no subject":        {sign(map[string]any{"sub": nil}), introspect.ReasonClaims, "sub is missing", false},
			"no expiry":         {sign(map[string]any{"exp": nil}), introspect.ReasonClaims, "exp is missing", false},
			"odd scope":         {sign(map[string]any{"scope": 5}), introspect.ReasonClaims, "scope is not of its type", false},
			"denied":            {sign(map[string]any{"sub": "mallory"}), introspect.ReasonDenied, "entry d1 of the deny-list, until 20", true},
		} {
			for _, cached := range []bool{false, true} {
				e := guard.Explain(t.Context(), oauth.NewSecret(row.token))
				got := "ok"
				var refusal *introspect.Refusal
				if errors.As(e.Err, &refusal) {
					got = refusal.Reason
				}
				if got != row.verdict || !strings.Contains(e.Detail, row.detail) || (row.detail == "") != (e.Detail == "") {
					t.Errorf("%s: explained as %s, %q; want %s, %q", name, got, e.Detail, row.verdict, row.detail)
				}
				if len(e.Detail) > 4<<10 || (e.Token != nil) != row.vouched || e.Cached != (cached && row.verdict == "ok") {
					t.Errorf("%s: explained as %+v", name, e)
				}
				if !cached {
					expect(t, guard, row.token, row.verdict)
				}
				cache.Wait()
			}
		}
	})
}

// What needs the issuer and cannot reach it is explained by the cause.
func TestExplainOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k1", oauth.ES256)
		at := newIssuer(key)
		at.fault(jwksPath, down)
		guard := route(t, start(t, at, nil), nil)
		e := guard.Explain(t.Context(), oauth.NewSecret(key.sign("at+jwt", claims(time.Now(), nil))))
		var unavailable *introspect.Unavailable
		if !errors.As(e.Err, &unavailable) || e.Issuer != "corp" || e.Claims["sub"] != "alice" || e.Token != nil || !strings.Contains(e.Detail, idp) {
			t.Errorf("explained as %+v", e)
		}
	})
}

const aThumbprintOfAKey = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// Possession is not looked at where it can be proven: a bound token is good here
// and refused there. Where it cannot, or a bound one is asked for, both refuse.
func TestExplainUsesNoProofUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k1", oauth.ES256)
		remote := start(t, newIssuer(key), nil)
		bound := key.sign("at+jwt", claims(time.Now(), map[string]any{"cnf": map[string]string{"jkt": aThumbprintOfAKey}}))
		guard := route(t, remote, func(c *introspect.Config) {
			c.DPoP = &introspect.DPoP{Required: true, Algorithms: []string{oauth.ES256}, MaxAge: time.Minute, Origin: api, Register: new(register)}
		})
		if e := guard.Explain(t.Context(), oauth.NewSecret(bound)); e.Err != nil || e.Claims["cnf"] == nil {
			t.Errorf("explained as %+v", e)
		}
		expect(t, guard, bound, introspect.ReasonBound)
		refuses := func(guard *introspect.Introspector, token, reason string) {
			t.Helper()
			var refusal *introspect.Refusal
			if e := guard.Explain(t.Context(), oauth.NewSecret(token)); !errors.As(e.Err, &refusal) || refusal.Reason != reason {
				t.Errorf("explained as %+v, want %s", e, reason)
			}
			expect(t, guard, token, reason)
		}
		refuses(route(t, remote, nil), bound, introspect.ReasonBound)
		refuses(guard, key.sign("at+jwt", claims(time.Now(), nil)), introspect.ReasonUnbound)
		refuses(guard, key.sign("at+jwt", claims(time.Now(), map[string]any{"cnf": map[string]string{"kid": "k"}})), introspect.ReasonBound)
	})
}

// Until the deny-list has been read nobody can tell; then it counts for cached
// verdicts as for others, and ends with its entries.
func TestDenyListOfARoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k1", oauth.ES256)
		list, cache := introspect.NewDenyList(time.Now), newCache(t)
		guard := route(t, start(t, newIssuer(key), nil), func(c *introspect.Config) { c.DenyList, c.Cache = list, cache })
		token := key.sign("at+jwt", claims(time.Now(), nil))
		expect(t, guard, token, "unavailable")
		list.Apply(nil)
		expect(t, guard, token, "ok")
		cache.Wait()
		entry := introspect.Denial{Kind: introspect.DenyToken, Value: "t1", Expires: time.Now().Add(time.Minute)}
		list.Apply([]introspect.Denial{entry})
		expect(t, guard, token, introspect.ReasonDenied)
		expect(t, guard, key.sign("at+jwt", claims(time.Now(), map[string]any{"jti": "t2"})), "ok")
		pass(time.Minute)
		expect(t, guard, token, "ok")
		entry.Expires = time.Now().Add(time.Minute)
		list.Apply([]introspect.Denial{entry})
		expect(t, guard, token, introspect.ReasonDenied)
		entry.Removed = true
		list.Apply([]introspect.Denial{entry})
		expect(t, guard, token, "ok")
	})
}

// A route may take tokens before the list has been read; then it counts.
func TestDenyListThatMayComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newKey("k1", oauth.ES256)
		list, cache := introspect.NewDenyList(time.Now), newCache(t)
		guard := route(t, start(t, newIssuer(key), nil), func(c *introspect.Config) { c.DenyList, c.DenyListLater, c.Cache = list, true, cache })
		token := key.sign("at+jwt", claims(time.Now(), nil))
		expect(t, guard, token, "ok")
		cache.Wait()
		list.Apply([]introspect.Denial{{Kind: introspect.DenyToken, Value: "t1", Expires: time.Now().Add(time.Minute)}})
		expect(t, guard, token, introspect.ReasonDenied)
	})
}

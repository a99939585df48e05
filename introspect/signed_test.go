package introspect_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const signedType = "application/token-introspection+jwt"

// RFC 9701 §5: what stands around a good signed answer, changed.
func envelope(answer, changes map[string]any) map[string]any {
	all := map[string]any{"iss": idp, "aud": "gateway", "iat": time.Now().Unix(), "token_introspection": answer}
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func signedOnly(f *introspect.Foreign) { f.SignedResponse = true }

func TestRFC9701_SignedAnswers(t *testing.T) {
	for _, by := range []string{introspect.ValidateAuto, introspect.ValidateIntrospect} {
		withEndpoint(t, func(f *introspect.Foreign) { signedOnly(f); f.Validate = by }, func(t *testing.T, at *introspect.Introspector, server *issuer) {
			sign := func(answer map[string]any) func(*http.Request) (*http.Response, error) {
				return respond(http.StatusOK, signedType, server.keys[0].sign("token-introspection+jwt", envelope(answer, nil)))
			}
			server.fault(askPath, sign(active(nil)))
			result, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret("opaque")})
			if err != nil || result.Token.Subject != "alice" || result.Token.ClientID != "web" {
				t.Fatalf("%s: %+v, %v", by, result, err)
			}
			if got := server.seen[len(server.seen)-1].Header.Get("Accept"); got != signedType {
				t.Errorf("asked for %q", got)
			}
			// Only what it says of the token counts, and by the same rules.
			if _, there := result.Token.Claims.All()["token_introspection"]; there {
				t.Error("the envelope is among the claims")
			}
			server.fault(askPath, sign(active(map[string]any{"aud": "https://other.example.com"})))
			expect(t, at, "for-others", introspect.ReasonAudience)
			server.fault(askPath, sign(map[string]any{"active": false}))
			expect(t, at, "gone", introspect.ReasonInactive)
			server.fault(askPath, respond(http.StatusOK, "application/Token-Introspection+JWT; charset=utf-8",
				server.keys[0].sign("application/token-introspection+jwt", envelope(active(map[string]any{"note": strings.Repeat("x", 20_000)}), nil))+"\n"))
			expect(t, at, "long", "ok")
		})
	}
}

// Whatever is wrong with the envelope, nobody is let in and no token is blamed.
func TestRFC9701_F15_HostileSignedAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		key, evil, weak := newKey("k", oauth.ES256), newKey("k", oauth.ES256), newKey("w", oauth.ES384)
		stray := newKey("stray", oauth.ES256)
		jwt := func(by signingKey, changes map[string]any) string {
			return by.sign("token-introspection+jwt", envelope(active(nil), changes))
		}
		good := jwt(key, nil)
		server := newIssuer(key, weak)
		at := route(t, start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			signedOnly(f)
			f.Algorithms = []string{oauth.ES256}
		}), nil)
		synctest.Wait()
		serve := func(contentType, body string) {
			server.fault(askPath, respond(http.StatusOK, contentType, body))
		}
		for name, c := range map[string]struct{ contentType, body string }{
			"unsigned":              {"application/json", mustJSON(active(nil))},
			"unsigned, other label": {signedType, mustJSON(active(nil))},
			"label of plain JSON":   {"application/json", good},
			"label of any JWT":      {"application/jwt", good},
			"no label":              {"", good},
			"alg none":              {signedType, key.signRaw(`{"alg":"none","typ":"token-introspection+jwt"}`, mustJSON(envelope(active(nil), nil)))},
			"alg HS256":             {signedType, key.signRaw(`{"alg":"HS256","kid":"k","typ":"token-introspection+jwt"}`, mustJSON(envelope(active(nil), nil)))},
			"crit":                  {signedType, key.signRaw(`{"alg":"ES256","kid":"k","crit":["x"],"x":1,"typ":"token-introspection+jwt"}`, mustJSON(envelope(active(nil), nil)))},
			"another's key":         {signedType, jwt(evil, nil)},
			"key nobody publishes":  {signedType, jwt(stray, nil)},
			"algorithm not trusted": {signedType, jwt(weak, nil)},
			"signature cut":         {signedType, good[:len(good)-4]},
			"payload changed":       {signedType, strings.Replace(good, ".ey", ".ex", 1)},
			"trailing":              {signedType, good + " x"},
			"two of them":           {signedType, good + "." + good},
			"encrypted":             {signedType, "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA"},
			"empty":                 {signedType, ""},
			"typ of access tokens":  {signedType, key.sign("at+jwt", envelope(active(nil), nil))},
			"typ JWT":               {signedType, key.sign("JWT", envelope(active(nil), nil))},
			"no typ":                {signedType, key.sign("", envelope(active(nil), nil))},
			"an access token":       {signedType, key.sign("at+jwt", claims(time.Now(), map[string]any{"active": true}))},
			"iss of another":        {signedType, jwt(key, map[string]any{"iss": "https://evil.example"})},
			"iss with a slash":      {signedType, jwt(key, map[string]any{"iss": idp + "/"})},
			"iss missing":           {signedType, jwt(key, map[string]any{"iss": nil})},
			"iss a number":          {signedType, jwt(key, map[string]any{"iss": 1})},
			"aud of another":        {signedType, jwt(key, map[string]any{"aud": "other"})},
			"aud missing":           {signedType, jwt(key, map[string]any{"aud": nil})},
			"aud empty":             {signedType, jwt(key, map[string]any{"aud": []string{}})},
			"iat missing":           {signedType, jwt(key, map[string]any{"iat": nil})},
			"iat text":              {signedType, jwt(key, map[string]any{"iat": "now"})},
			"iat an hour ago":       {signedType, jwt(key, map[string]any{"iat": now - 3600})},
			"iat tomorrow":          {signedType, jwt(key, map[string]any{"iat": now + 86400})},
			"exp past":              {signedType, jwt(key, map[string]any{"exp": now - 61})},
			"exp text":              {signedType, jwt(key, map[string]any{"exp": "x"})},
			"no introspection":      {signedType, jwt(key, map[string]any{"token_introspection": nil, "active": true, "sub": "alice"})},
			"introspection a text":  {signedType, jwt(key, map[string]any{"token_introspection": "x"})},
			"introspection null":    {signedType, jwt(key, map[string]any{"token_introspection": json.RawMessage("null")})},
			"active outside":        {signedType, jwt(key, map[string]any{"token_introspection": map[string]any{"sub": "alice"}, "active": true})},
			"active text":           {signedType, jwt(key, map[string]any{"token_introspection": active(map[string]any{"active": "true"})})},
			"Active too":            {signedType, jwt(key, map[string]any{"token_introspection": active(map[string]any{"Active": false})})},
			"active twice": {signedType, key.signRaw(`{"alg":"ES256","kid":"k","typ":"token-introspection+jwt"}`,
				fmt.Sprintf(`{"iss":%q,"aud":"gateway","iat":%d,"token_introspection":{"active":false,"active":true,"sub":"a","aud":%q}}`, idp, now, api))},
		} {
			serve(c.contentType, c.body)
			if got := verdict(t, at, "opaque "+name); got != "unavailable" {
				t.Errorf("%s: %q", name, got)
			}
			pass(time.Second) // the breaker lets one through
			serve(signedType, jwt(key, map[string]any{"iat": time.Now().Unix()}))
			expect(t, at, "good "+name, "ok")
		}
		now = time.Now().Unix()
		for name, changes := range map[string]map[string]any{
			"aud in a list": {"aud": []string{"x", "gateway"}}, "iat a little off": {"iat": now + 59}, "exp": {"exp": now + 60},
		} {
			changes["iat"] = cmp.Or[any](changes["iat"], now)
			serve(signedType, jwt(key, changes))
			if got := verdict(t, at, name); got != "ok" {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}

// The operator is told what to change where.
func TestRFC9701_UnsignedAndEncryptedAnswersAreExplained(t *testing.T) {
	for body, want := range map[string]string{
		`{"active":true}`: "switch signed introspection answers on",
		"a.b.c.d.e":       "switch the encryption of introspection answers off",
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newIssuer(newKey("k", oauth.ES256))
			var log bytes.Buffer
			remote := start(t, server, func(f *introspect.Foreign) {
				withClient(f)
				signedOnly(f)
				f.Log = slog.New(slog.NewTextHandler(&log, nil))
			})
			contentType := "application/json"
			if body[0] != '{' {
				contentType = signedType
			}
			server.fault(askPath, respond(http.StatusOK, contentType, body))
			synctest.Wait()
			expect(t, route(t, remote, nil), "opaque", "unavailable")
			if !strings.Contains(log.String(), want) || !strings.Contains(remote.Status().IntrospectionError, want) {
				t.Errorf("log %s, status %+v, want %q", log.String(), remote.Status(), want)
			}
		})
	}
}

// With validate introspect the keys are read for the answers alone, and until
// they are there nobody is ready.
func TestRFC9701_KeysAreReadWhereAnswersAreSigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		server.fault(jwksPath, down)
		remote := start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			signedOnly(f)
			f.Validate = introspect.ValidateIntrospect
		})
		synctest.Wait()
		if remote.Ready() {
			t.Error("ready without keys")
		}
		server.fault(jwksPath, nil)
		pass(2 * time.Second)
		if !remote.Ready() {
			t.Error("not ready with keys")
		}
	})
}

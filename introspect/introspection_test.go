package introspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// withEndpoint runs a test against a route whose issuer introspects.
func withEndpoint(t *testing.T, change func(*introspect.Foreign), test func(t *testing.T, at *introspect.Introspector, server *issuer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		remote := start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			if change != nil {
				change(f)
			}
		})
		at := route(t, remote, nil)
		synctest.Wait()
		test(t, at, server)
	})
}

// active is an answer that vouches for a token, changed.
func active(changes map[string]any) map[string]any {
	all := claims(time.Now(), map[string]any{"active": true, "token_type": "Bearer"})
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func TestIntrospection(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		now := time.Now()
		server.tokens["opaque"] = active(nil)
		result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret("opaque")})
		if err != nil {
			t.Fatal(err)
		}
		got := result.Token
		if got.Issuer != idp || got.Subject != "alice" || got.ClientID != "web" || got.Scope.String() != "orders:read" || got.Expires != now.Unix()+600 || got.Until != now.Unix()+60 {
			t.Errorf("token %+v", got)
		}
		request := server.seen[len(server.seen)-1]
		if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || request.URL.String() != idp+askPath {
			t.Errorf("%s %s, type %q", request.Method, request.URL, request.Header.Get("Content-Type"))
		}
		if body := server.bodies[len(server.bodies)-1]; body != "token=opaque&token_type_hint=access_token" {
			t.Errorf("body %q", body)
		}
	})
}

// Id and secret are form-urlencoded before they are joined (RFC 6749 §2.3.1).
func TestIntrospectionCredentials(t *testing.T) {
	odd := func(f *introspect.Foreign) {
		f.ClientID, f.ClientSecret = "gate:way %", oauth.NewSecret("s:+/é&")
	}
	withEndpoint(t, odd, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		expect(t, at, "opaque", introspect.ReasonInactive)
		header := server.seen[len(server.seen)-1].Header.Get("Authorization")
		id, secret, ok, err := oauth.ParseBasic(header)
		if !ok || err != nil || id != "gate:way %" || secret.Reveal() != "s:+/é&" {
			t.Errorf("read back as %q, %v, %v", id, ok, err)
		}
	})
}

func TestG93_TokenTextIsOneParameter(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		for _, token := range []string{"a&active=true&token_type_hint=x", "%", "%26", "a+b", "a b", "a\r\nHost: evil", "a;b", "a=b", "é", "\x00", "\xff"} {
			expect(t, at, token, introspect.ReasonInactive)
			form, err := url.ParseQuery(server.bodies[len(server.bodies)-1])
			if err != nil || len(form) != 2 || len(form["token"]) != 1 || form.Get("token") != token || form.Get("token_type_hint") != "access_token" {
				t.Errorf("%q arrives as %v (%v)", token, form, err)
			}
		}
	})
}

func TestG90_OnlyTrueIsActive(t *testing.T) {
	for text, want := range map[string]string{
		`{"active":false}`: introspect.ReasonInactive, `{"active":false,"sub":"alice"}`: introspect.ReasonInactive,
		`{"active":"true"}`: "unavailable", `{"active":1}`: "unavailable", `{"active":"yes"}`: "unavailable", `{"active":null}`: "unavailable", `{}`: "unavailable",
		`{"Active":true}`: "unavailable", `{"active":true,"active":false}`: "unavailable", `{"active":false,"active":true}`: "unavailable",
		`{"active":false,"Active":true}`: "unavailable", `{"active":[true]}`: "unavailable", `{"active":{}}`: "unavailable",
	} {
		withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
			server.fault(askPath, respond(http.StatusOK, "application/json", text))
			if got := verdict(t, at, "opaque"); got != want {
				t.Errorf("%s: %q, want %q", text, got, want)
			}
		})
	}
}

func TestG91_ActiveIsNotEnough(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		now := time.Now().Unix()
		for n, c := range []struct {
			changes map[string]any
			want    string
		}{
			{nil, "ok"},
			{map[string]any{"exp": now - 11}, introspect.ReasonExpired}, {map[string]any{"exp": "x"}, "unavailable"},
			{map[string]any{"nbf": now + 60}, introspect.ReasonNotYetValid}, {map[string]any{"iat": now + 60}, introspect.ReasonNotYetValid},
			{map[string]any{"iss": "https://evil.example"}, introspect.ReasonIssuer}, {map[string]any{"iss": idp + "/"}, introspect.ReasonIssuer},
			{map[string]any{"iss": 1}, "unavailable"}, {map[string]any{"iss": ""}, introspect.ReasonIssuer}, {map[string]any{"iss": nil}, "ok"},
			{map[string]any{"aud": "https://other.example.com"}, introspect.ReasonAudience}, {map[string]any{"aud": []string{}}, introspect.ReasonAudience},
			{map[string]any{"aud": nil}, introspect.ReasonAudience}, {map[string]any{"aud": json.RawMessage("null")}, "unavailable"},
			{map[string]any{"aud": []string{"x", api}}, "ok"},
			{map[string]any{"scope": nil}, "ok"}, {map[string]any{"scope": 1}, "unavailable"},
			{map[string]any{"client_id": "other"}, "ok"},
			{map[string]any{"token_type": "DPoP"}, introspect.ReasonType}, {map[string]any{"token_type": "bearer"}, "ok"}, {map[string]any{"token_type": "BEARER"}, "ok"},
			{map[string]any{"token_type": nil}, "ok"}, {map[string]any{"token_type": 1}, introspect.ReasonType}, {map[string]any{"token_type": "refresh_token"}, introspect.ReasonType},
			{map[string]any{"token_use": "refresh_token"}, introspect.ReasonType}, {map[string]any{"token_use": "access_token"}, "ok"}, {map[string]any{"typ": "Refresh"}, introspect.ReasonType},
			{map[string]any{"cnf": map[string]string{"jkt": "x"}}, introspect.ReasonBound}, {map[string]any{"cnf": map[string]string{}}, introspect.ReasonBound},
			{map[string]any{"token_type": "DPoP", "cnf": map[string]string{"x5t#S256": strings.Repeat("A", 43)}}, introspect.ReasonType},
			{map[string]any{"token_type": "DPoP", "typ": "DPoP", "cnf": map[string]string{"jkt": strings.Repeat("A", 43)}}, introspect.ReasonBound}, // past the type, for the proof to decide
			{map[string]any{"sub": nil, "username": "alice"}, introspect.ReasonClaims}, {map[string]any{"sub": "", "client_id": "web"}, introspect.ReasonClaims},
			{map[string]any{"sub": nil, "client_id": nil}, introspect.ReasonClaims}, {map[string]any{"sub": nil, "client_id": ""}, introspect.ReasonClaims},
			{map[string]any{"sub": nil, "client_id": 1}, introspect.ReasonClaims}, {map[string]any{"sub": json.RawMessage("null")}, "unavailable"}, {map[string]any{"sub": 7}, "unavailable"},
		} {
			token := fmt.Sprint("opaque", n)
			server.tokens[token] = active(c.changes)
			if got := verdict(t, at, token); got != c.want {
				t.Errorf("%v: %q, want %q", c.changes, got, c.want)
			}
		}
	})
}

// RFC 9068 §2.2: a token that no person stands behind is its client's own. An
// answer that names a person without sub is not taken for that.
func TestATokenWithoutSubjectIsItsClients(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.tokens["machine"] = active(map[string]any{"sub": nil, "client_id": "batch"})
		result, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret("machine")})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Token; got.Subject != "batch" || got.ClientID != "batch" || got.Claims.All()["sub"] != "batch" {
			t.Errorf("subject %q, client %q, claims %v", got.Subject, got.ClientID, got.Claims.All())
		}
	})
}

func TestMissingAudienceAndExpiry(t *testing.T) {
	lax := func(f *introspect.Foreign) { f.RequireAudience = false }
	withEndpoint(t, lax, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.tokens["bare"] = active(map[string]any{"aud": nil, "exp": nil})
		result, err := at.Introspect(context.Background(), introspect.Presented{Token: oauth.NewSecret("bare")})
		if err != nil {
			t.Fatal(err)
		}
		if result.Token.Expires != time.Now().Unix()+60 {
			t.Errorf("without exp it lives for %d s", result.Token.Expires-time.Now().Unix())
		}
		// An audience that is told counts all the same.
		for n, aud := range []any{"other", []string{}, "", []string{""}} {
			token := fmt.Sprint("told", n)
			server.tokens[token] = active(map[string]any{"aud": aud})
			expect(t, at, token, introspect.ReasonAudience)
		}
		// JWTs that are checked by key still need one.
		expect(t, at, server.keys[0].sign("at+jwt", claims(time.Now(), map[string]any{"aud": nil})), introspect.ReasonAudience)
	})
}

// A JWT goes to the endpoint too where the issuer is so configured; an ID
// token does not, whatever the endpoint would say of it.
func TestValidateIntrospectTakesJWTs(t *testing.T) {
	only := func(f *introspect.Foreign) { f.Validate = introspect.ValidateIntrospect }
	withEndpoint(t, only, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		token := server.keys[0].sign("JWT", claims(time.Now(), nil))
		expect(t, at, token, introspect.ReasonInactive)
		pass(6 * time.Second)
		server.tokens[token] = active(nil)
		expect(t, at, token, "ok")
		id := server.keys[0].sign("JWT", claims(time.Now(), map[string]any{"nonce": "x"}))
		server.tokens[id] = active(nil)
		expect(t, at, id, introspect.ReasonType)
		if server.count(jwksPath) != 0 {
			t.Error("keys were fetched that nobody needs")
		}
	})
}

func TestG92_RS31_F15_BrokenAnswers(t *testing.T) {
	answers := map[string]func(*http.Request) (*http.Response, error){
		"201":           respond(http.StatusCreated, "application/json", `{"active":true}`),
		"301":           respond(http.StatusMovedPermanently, "application/json", `{"active":true}`),
		"400":           respond(http.StatusBadRequest, "application/json", `{"active":true}`),
		"401":           respond(http.StatusUnauthorized, "application/json", `{"active":false}`),
		"403":           respond(http.StatusForbidden, "application/json", `{"active":false}`),
		"429":           respond(http.StatusTooManyRequests, "application/json", `{"active":false}`),
		"trailing data": respond(http.StatusOK, "application/json", `{"active":false} x`),
		"two documents": respond(http.StatusOK, "application/json", `{"active":false}{"active":true}`),
		"UTF-16":        respond(http.StatusOK, "application/json", "\xff\xfe{\x00}\x00"),
		"JWT answer":    respond(http.StatusOK, "application/token-introspection+jwt", "eyJ.e30.x"),
		"certificate": func(*http.Request) (*http.Response, error) {
			return nil, errors.New("x509: certificate is not trusted")
		},
		"active, redirect": respond(http.StatusFound, "application/json", `{"active":true}`),
	}
	for name, fault := range faults {
		answers[name] = fault
	}
	for name, fault := range answers {
		withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
			server.tokens["opaque"] = active(nil)
			server.fault(askPath, fault)
			began := time.Now()
			if got := verdict(t, at, "opaque"); got != "unavailable" {
				t.Errorf("%s: %q", name, got)
			}
			if waited := time.Since(began); waited > 3*time.Second {
				t.Errorf("%s: waited %s", name, waited)
			}
			server.fault(askPath, nil) // neither good nor bad is remembered
			if got := verdict(t, at, "opaque"); got != "ok" {
				t.Errorf("%s: %q after the fault", name, got)
			}
		})
	}
}

func TestIntrospectionIsCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		var log bytes.Buffer
		observer := &observed{}
		at := route(t, start(t, server, func(f *introspect.Foreign) {
			withClient(f)
			f.Log, f.Observer = slog.New(slog.NewTextHandler(&log, nil)), observer
		}), nil)
		synctest.Wait()
		server.tokens["good"] = active(nil)
		expect(t, at, "good", "ok")
		expect(t, at, "canary-token", introspect.ReasonInactive)
		server.fault(askPath, respond(http.StatusUnauthorized, "application/json", `{"error":"invalid_client"}`))
		for n := range 100 {
			pass(time.Second)
			expect(t, at, fmt.Sprint("canary-token", n), "unavailable")
		}
		text := log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "check client and secret") {
			t.Errorf("one fault: %s", text)
		}
		server.fault(askPath, nil)
		pass(time.Minute)
		expect(t, at, "good", "ok")
		text = log.String()
		if strings.Count(text, "works again") != 1 {
			t.Errorf("one recovery: %s", text)
		}
		if strings.Contains(text, "canary") || strings.Contains(text, "s3cret") {
			t.Errorf("a secret is in the log: %s", text)
		}
		if c := observer.counts; c["introspected "+idp+" active"] != 2 || c["introspected "+idp+" inactive"] != 1 || c["introspected "+idp+" error"] == 0 || c["negative time"] != 0 {
			t.Errorf("counts %v", c)
		}
	})
}

func TestEndpointIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newIssuer(newKey("k", oauth.ES256))
		server.fault("/.well-known/oauth-authorization-server", answer(map[string]any{"issuer": idp, "jwks_uri": idp + jwksPath}))
		auto := start(t, server, withClient)
		only := start(t, server, func(f *introspect.Foreign) { withClient(f); f.Validate = introspect.ValidateIntrospect })
		synctest.Wait()
		expect(t, route(t, auto, nil), "opaque", "unavailable")
		expect(t, route(t, only, nil), "opaque", "unavailable")
		if !auto.Ready() || only.Ready() {
			t.Errorf("ready: auto %v (has keys), introspect %v (has no endpoint)", auto.Ready(), only.Ready())
		}
		// Without credentials nothing is asked at all.
		expect(t, route(t, start(t, server, nil), nil), "opaque", introspect.ReasonIssuer)
	})
}

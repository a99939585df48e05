package grants_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var tokens = regexp.MustCompile(`"(access_token|refresh_token|id_token)":"[^"]+"`)

// The documents as they stand on the wire, each token replaced by its name.
func TestGoldenDocuments(t *testing.T) {
	w := newWorld(t, client("machine", func(c *store.Client) { c.AccessTokenLifetime = time.Hour }))
	noOpenID := func(g *store.Grant) { g.Scope = oauth.Scope{"read", "write"} }
	for name, answer := range map[string]func() realmtest.Answer{
		"authorization_code.json":        func() realmtest.Answer { return w.family(t, "web") },
		"authorization_code_oauth.json":  func() realmtest.Answer { return w.exchange(t, "web", w.Code(t, w.Realm, "web", noOpenID)) },
		"authorization_code_access.json": func() realmtest.Answer { return w.exchange(t, "once", w.Code(t, w.Realm, "once", noOpenID)) },
		"client_credentials.json": func() realmtest.Answer {
			return w.post(t, "machine", "grant_type", "client_credentials", "scope", "write")
		},
		"password.json":               func() realmtest.Answer { return w.signIn(t, "web", "scope", "write") },
		"refresh_token.json":          func() realmtest.Answer { return w.refresh(t, "web", w.family(t, "web").Text("refresh_token")) },
		"refresh_token_static.json":   func() realmtest.Answer { return w.refresh(t, "static", w.family(t, "static").Text("refresh_token")) },
		"invalid_client.json":         func() realmtest.Answer { return w.post(t, "nobody", "grant_type", "client_credentials") },
		"invalid_grant.json":          func() realmtest.Answer { return w.refresh(t, "web", "x") },
		"invalid_scope.json":          func() realmtest.Answer { return w.signIn(t, "web", "scope", "admin") },
		"invalid_target.json":         func() realmtest.Answer { return w.signIn(t, "web", "resource", "https://x.example.com") },
		"missing_parameter.json":      func() realmtest.Answer { return w.post(t, "web", "grant_type", "password") },
		"unauthorized_client.json":    func() realmtest.Answer { return w.signIn(t, "machine") },
		"unsupported_grant_type.json": func() realmtest.Answer { return w.post(t, "web", "grant_type", "magic") },
		"temporarily_unavailable.json": func() realmtest.Answer {
			w.Store.Fail("CreateGrant")
			defer w.Store.Fail("")
			return w.signIn(t, "web")
		},
	} {
		t.Run(name, func(t *testing.T) {
			realmtest.Golden(t, name, tokens.ReplaceAllString(answer().Body.String(), `"$1":"$1"`))
		})
	}
}

// expires_in is what is left in whole seconds: in the middle of one, a token of
// an hour has 3599 of them.
func TestExpiresInIsRemainingTime(t *testing.T) {
	w := newWorld(t, client("machine", func(c *store.Client) { c.AccessTokenLifetime = time.Hour }))
	for _, want := range []float64{3600, 3599} {
		answer := w.post(t, "machine", "grant_type", "client_credentials").Want(http.StatusOK, "")
		if got := answer.Document()["expires_in"]; got != want {
			t.Errorf("expires_in %v, want %v", got, want)
		}
		w.Clock.Advance(time.Second / 2)
	}
}

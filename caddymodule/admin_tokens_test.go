package caddymodule

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// handler answers a path of the admin API.
type handler func(*App, *http.Request) (any, error)

// tell sends a body to a handler of the admin API; query stands in the address.
func tell(h handler, app *App, query string, body any) (any, error) {
	text, raw := body.(string)
	if !raw {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = string(encoded)
	}
	return h(app, httptest.NewRequest(http.MethodPost, "/oauth2/x?"+query, strings.NewReader(text)))
}

// mustTell is tell for what must work.
func mustTell[T any](t *testing.T, h handler, app *App, query string, body any) T {
	t.Helper()
	answer, err := tell(h, app, query, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.(T)
}

func TestOperatorsIssueWhatTheClientCouldGet(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	for realm, c := range map[string]struct{ issuer, format string }{
		"":   {"https://auth.example.com/oauth2", "jwt"},
		"/b": {"https://auth.example.com/oauth2/realms/root/realms/b", "opaque"},
	} {
		made := mustTell[issueAnswer](t, issueToken, app, "", issueRequest{Realm: realm, Client: "a"})
		if made.TokenType != "Bearer" || made.Scope != "write" || made.ExpiresIn < 599 || made.ExpiresIn > 600 || made.ID == "" || len(made.Audience) != 1 || made.Audience[0] != c.issuer {
			t.Errorf("realm %q: %+v", realm, made)
		}
		said := mustTell[inspected](t, inspectToken, app, "", inspectRequest{Token: made.AccessToken})
		if !said.Ours || said.Kind != "access_token" || said.Format != c.format || said.State != "active" || said.Issuer != c.issuer ||
			said.Client != "a" || said.Subject != "a" || said.ID != made.ID || said.Grant != nil || said.Help != "" {
			t.Errorf("realm %q: %+v", realm, said)
		}
	}
	for name, c := range map[string]struct {
		asked  any
		status int
	}{
		"no client":            {issueRequest{}, 400},
		"another client":       {issueRequest{Client: "b"}, 404},
		"another realm":        {issueRequest{Client: "a", Realm: "/c"}, 404},
		"scope of another":     {issueRequest{Client: "a", Scope: "read"}, 400},
		"scope of a user":      {issueRequest{Client: "a", Scope: "openid"}, 400},
		"audience of another":  {issueRequest{Client: "a", Audience: []string{"https://other.example"}}, 400},
		"a secret is not read": {`{"client":"a","client_secret":"s"}`, 400},
	} {
		if answer, err := tell(issueToken, app, "", c.asked); status(err) != c.status {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}

// What is revoked by a name that somebody made up ends nothing, costs little and
// is told without repeating it.
func TestRevocationsByHostileNames(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	alive := tokenFor(t, app, "/oauth2", "a")
	names := map[string]int{
		strings.Repeat("x", maxReachName+1): 400, strings.Repeat("ü", maxReachName): 400,
		"a\x00": 400, "\xff\xfe": 400,
		"' OR 1=1 --": 0, "\"a\"": 0, "%": 0, "_": 0, "\u202ea": 0, "a\n": 0, "A": 0, "\U0001F511": 0, strings.Repeat("x", maxReachName): 0,
	}
	for name, want := range names {
		for kind, asked := range map[string]revocation{
			"subject": {Subject: name}, "client": {Client: name}, "session": {Session: name},
		} {
			_, err := app.revokeNamed(t, asked)
			if status(err) != want {
				t.Errorf("%s %.20q: %v", kind, name, err)
			}
			if err != nil && strings.Contains(err.Error(), name) {
				t.Errorf("%s: the error repeats it: %.100v", kind, err)
			}
		}
		query := url.Values{"subject": {name}}.Encode()
		for path, list := range map[string]handler{"grants": listGrants, "sessions": listSessions, "consents": listConsents, "revoke": revokeConsents} {
			if _, err := tell(list, app, query, ""); status(err) != want {
				t.Errorf("%s of %.20q: %v", path, name, err)
			}
		}
		if _, err := tell(revokeTokens, app, "", revocation{Grant: name}); status(err) != max(want, 400) && status(err) != 404 {
			t.Errorf("grant %.20q: %v", name, err)
		}
	}
	if said := mustTell[inspected](t, inspectToken, app, "", inspectRequest{Token: alive}); said.State != "active" {
		t.Errorf("a token that nobody named is %s by %s", said.State, said.RevokedBy)
	}
	for _, text := range []string{"x", "oat_x_y", "ort_x", "oac_x", "a.b.c", strings.Repeat("a", oauth.MaxTokenBytes+1), "\u202e", alive[:len(alive)-2] + "AA"} {
		said := mustTell[inspected](t, inspectToken, app, "", inspectRequest{Token: text})
		if said.Ours || !strings.Contains(said.Help, "oauth2-explain") {
			t.Errorf("%.20q: %+v", text, said)
		}
		if _, err := tell(revokeTokens, app, "", revocation{Token: text}); status(err) != 404 || strings.Contains(err.Error(), text) && len(text) > 3 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// revokeNamed revokes, but for the second that an operator waits.
func (a *App) revokeNamed(t *testing.T, asked revocation) (any, error) {
	t.Helper()
	reach := store.Reach{Realm: "/", Subject: asked.Subject, ClientID: asked.Client, SessionID: asked.Session}
	if checkReach(reach) != nil || asked.Session != "" {
		return a.revoke(t.Context(), asked)
	}
	return a.withRealm(t.Context(), "", func(in *realm.Realm) (any, error) { return a.revokeAll(t.Context(), in, reach) })
}

func TestRevocationsNameOneThing(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	for _, body := range []string{
		`{}`, `{"realm":"/"}`, `{"subject":"a","client":"a"}`, `{"token":"a","grant":"b"}`, `{"subject":""}`, `{"sub":"a"}`, `[]`, `{"subject":1}`, `{"subject":"a"}{}`,
	} {
		if _, err := tell(revokeTokens, app, "", body); status(err) != http.StatusBadRequest {
			t.Errorf("%s: %v", body, err)
		}
	}
	for path, list := range map[string]handler{"sessions": listSessions, "consents": listConsents, "revoke": revokeConsents} {
		if _, err := tell(list, app, "", ""); status(err) != http.StatusBadRequest || !strings.Contains(err.Error(), "give subject") {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "session=s&subject=a", "after=%00"} {
		if _, err := tell(listGrants, app, query, ""); status(err) != http.StatusBadRequest {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// The gateway of this process refuses at once what was revoked, cached or not,
// and takes at once what is issued when the operator has his answer.
func TestCL12_TheGatewayRefusesARevokedClientAtOnce(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	root, b, jwt, opaque := issuers(t, app)
	known, err := introspectText(t, root, jwt)
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []revocation{{Client: "a"}, {Subject: "a"}} {
		answer := mustTell[revokedAnswer](t, revokeTokens, app, "", asked)
		if answer.Realm != "/" || answer.Grants != 0 || answer.NotBefore.IsZero() || !time.Now().Truncate(time.Second).After(answer.NotBefore) {
			t.Errorf("%+v: %+v at %v", asked, answer, time.Now())
		}
		if root.Source.Current(known) {
			t.Error("a verdict of before still holds")
		}
		if err := second(introspectText(t, root, jwt)); reason(err) != introspect.ReasonRevoked {
			t.Errorf("%v", err)
		}
		said := mustTell[inspected](t, inspectToken, app, "", inspectRequest{Token: jwt})
		if want := map[bool]string{true: "client", false: "subject"}[asked.Client != ""]; said.State != "revoked" || said.RevokedBy != want {
			t.Errorf("inspected: %s by %q, want by %q", said.State, said.RevokedBy, want)
		}
		jwt = mustTell[issueAnswer](t, issueToken, app, "", issueRequest{Client: "a"}).AccessToken
		if known, err = introspectText(t, root, jwt); err != nil || !root.Source.Current(known) {
			t.Fatalf("what was issued next: %v", err)
		}
		if n := testing.AllocsPerRun(100, func() { root.Source.Current(known) }); n != 0 {
			t.Errorf("%v allocations a hit", n)
		}
		// AS57
		if _, err := introspectText(t, b, opaque); err != nil {
			t.Errorf("a token of another realm: %v", err)
		}
	}
	mustTell[revokedAnswer](t, revokeTokens, app, "", revocation{Token: jwt})
	if err := second(introspectText(t, root, jwt)); reason(err) != introspect.ReasonRevoked {
		t.Errorf("a token that was named: %v", err)
	}
	// F30: what was revoked, issued and inspected is in no log.
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if signature := jwt[strings.LastIndex(jwt, ".")+1:]; strings.Contains(string(log), signature) {
		t.Error("the token is in the log")
	}
	for _, event := range []audit.Event{audit.ClientRevoked, audit.SubjectRevoked, audit.TokenRevoked, audit.AdminTokenIssued} {
		if !strings.Contains(string(log), `"event":"`+string(event)+`"`) {
			t.Errorf("the log does not tell %s: %s", event, log)
		}
	}
}

func TestTokensWithoutARealmOrAStore(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	notStarted := &App{config: app.config, routes: app.routes, backend: &pooledBackend{resource: "test"}}
	for name, h := range map[string]handler{"issue": issueToken, "inspect": inspectToken, "revoke": revokeTokens} {
		body := map[string]string{"client": "a"}
		if name == "inspect" {
			body = map[string]string{"token": "x"}
		}
		for want, app := range map[int]*App{http.StatusConflict: {}, http.StatusServiceUnavailable: notStarted} {
			if _, err := tell(h, app, "", body); status(err) != want {
				t.Errorf("%s: %v, want %d", name, err, want)
			}
		}
	}
	if err := adminFault(errors.New("disk")); status(err) != http.StatusServiceUnavailable {
		t.Error(err)
	}
}

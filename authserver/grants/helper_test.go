package grants_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// world is a realm with its token endpoint.
type world struct {
	*realmtest.World
	endpoint http.Handler
}

func newWorld(t testing.TB, adjust ...func(*realm.Settings)) world {
	t.Helper()
	w := realmtest.New(t, adjust...)
	return world{w, grants.New(w.Realm)}
}

// client changes the registration of one client.
func client(id string, change func(*store.Client)) func(*realm.Settings) {
	return func(s *realm.Settings) {
		at := slices.IndexFunc(s.Clients, func(c store.Client) bool { return c.ID == id })
		change(&s.Clients[at])
	}
}

// post sends a token request of a client: name, value, name, value.
func (w world) post(t testing.TB, clientID string, pairs ...string) realmtest.Answer {
	t.Helper()
	return realmtest.Do(t, w.endpoint, realmtest.Form(clientID, realmtest.Values(pairs...)))
}

// exchange redeems a code as its client should, with more parameters.
func (w world) exchange(t testing.TB, clientID string, code oauth.Secret, more ...string) realmtest.Answer {
	t.Helper()
	return w.post(t, clientID, append([]string{
		"grant_type", "authorization_code", "code", code.Reveal(),
		"redirect_uri", realmtest.Callback, "code_verifier", realmtest.Verifier,
	}, more...)...)
}

func (w world) signIn(t testing.TB, clientID string, more ...string) realmtest.Answer {
	t.Helper()
	return w.post(t, clientID, append([]string{
		"grant_type", "password", "username", "demo", "password", "Ch4ng31t",
	}, more...)...)
}

func (w world) refresh(t testing.TB, clientID, refreshToken string, more ...string) realmtest.Answer {
	t.Helper()
	return w.post(t, clientID, append([]string{"grant_type", "refresh_token", "refresh_token", refreshToken}, more...)...)
}

// access opens the access token of an answer.
func (w world) access(t testing.TB, answer realmtest.Answer) token.Access {
	t.Helper()
	access, err := w.Realm.Tokens.OpenAccess(oauth.NewSecret(answer.Text("access_token")), w.Clock.Now())
	if err != nil {
		t.Fatalf("access token of %s: %v", answer.Body, err)
	}
	return access
}

// alive says whether the access token of an answer is still good.
func (w world) alive(answer realmtest.Answer) bool {
	_, err := w.Realm.OpenAccess(oauth.NewSecret(answer.Text("access_token")))
	return err == nil
}

// payload reads the claims of a JWT.
func payload(t testing.TB, jwt string) map[string]any {
	t.Helper()
	jws, err := oauth.ParseJWS(jwt)
	if err != nil {
		t.Fatalf("%q: %v", jwt, err)
	}
	claims, err := oauth.DecodeObject(jws.UnverifiedPayload())
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// wantEvents fails unless exactly these security events were reported.
func (w world) wantEvents(t testing.TB, names ...audit.Event) {
	t.Helper()
	if got := w.Observer.Events(); !slices.Equal(got, names) {
		t.Errorf("events %q, want %q", got, names)
	}
}

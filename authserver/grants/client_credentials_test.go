package grants_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/grants"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestAS50_ClientCredentials(t *testing.T) {
	w := newWorld(t)
	answer := w.post(t, "machine", "grant_type", "client_credentials", "scope", "write read").Want(http.StatusOK, "")
	document := answer.Document()
	for _, name := range []string{"refresh_token", "id_token"} {
		if _, there := document[name]; there {
			t.Errorf("answered %s", answer.Body)
		}
	}
	if answer.Text("scope") != "write read" {
		t.Errorf("scope %q", answer.Text("scope"))
	}
	access := w.access(t, answer)
	if access.Subject != "machine" || access.ClientID != "machine" || access.GrantID != "" || !access.AuthTime.IsZero() {
		t.Errorf("access token says %+v", access)
	}
	if taken := w.Store.Taken(); slices.Contains(taken, "CreateGrant") {
		t.Errorf("steps of the store: %q", taken)
	}
	t.Run("no user bears a client's id", func(t *testing.T) {
		w.signIn(t, "web", "username", "").Want(http.StatusBadRequest, "invalid_request")
		w.post(t, "web", "grant_type", "password", "username", "mallory", "password", "Ch4ng31t").
			Want(http.StatusBadRequest, "invalid_grant")
	})
}

func TestClientCredentialsScope(t *testing.T) {
	for _, test := range []struct {
		name, scope    string
		defaults       oauth.Scope
		want, wantCode string
	}{
		{"what is asked", "write", oauth.Scope{"read"}, "write", ""},
		{"the defaults", "", oauth.Scope{"read", "write"}, "read write", ""},
		{"the defaults without a user's", "", oauth.Scope{"openid", "read", "offline_access"}, "read", ""},
		{"no defaults", "", nil, "", "invalid_scope"},
		{"only a user's defaults", "", oauth.Scope{"openid"}, "", "invalid_scope"},
		{"an unlisted scope", "admin", oauth.Scope{"read"}, "", "invalid_scope"},
		{"openid", "openid read", oauth.Scope{"read"}, "", "invalid_scope"},
		{"offline_access", "read offline_access", oauth.Scope{"read"}, "", "invalid_scope"},
		{"malformed", "read  write", oauth.Scope{"read"}, "", "invalid_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, client("machine", func(c *store.Client) { c.DefaultScopes = test.defaults }))
			status := http.StatusOK
			if test.wantCode != "" {
				status = http.StatusBadRequest
			}
			answer := w.post(t, "machine", "grant_type", "client_credentials", "scope", test.scope).Want(status, test.wantCode)
			if answer.Text("scope") != test.want {
				t.Errorf("answered %s", answer.Body)
			}
		})
	}
}

func TestAS32_ClientCredentialsAudience(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		resources []string
		want      []string
	}{
		{nil, []string{realmtest.API}},
		{[]string{realmtest.Files}, []string{realmtest.Files}},
		{[]string{realmtest.Files, realmtest.API, realmtest.Files}, []string{realmtest.Files, realmtest.API}},
	} {
		form := realmtest.Values("grant_type", "client_credentials")
		form["resource"] = test.resources
		answer := realmtest.Do(t, w.endpoint, realmtest.Form("machine", form)).Want(http.StatusOK, "")
		if access := w.access(t, answer); !slices.Equal(access.Audience, test.want) {
			t.Errorf("%q: audience %q", test.resources, access.Audience)
		}
	}
	for _, resource := range []string{"https://evil.example.com", realmtest.API + "/", "api"} {
		w.post(t, "machine", "grant_type", "client_credentials", "resource", resource).
			Want(http.StatusBadRequest, "invalid_target")
	}
}

func TestCL2_PublicClientCannotUseClientCredentials(t *testing.T) {
	w := newWorld(t)
	w.post(t, "spa", "grant_type", "client_credentials").Want(http.StatusBadRequest, "unauthorized_client")
	t.Run("even if it were registered for it", func(t *testing.T) {
		settings := w.Realm.Settings
		client("spa", func(c *store.Client) { c.Grants = []string{oauth.GrantClientCredentials} })(&settings)
		if settings.Check() == nil {
			t.Error("the registration is accepted")
		}
		unchecked := realm.New(settings, realm.Parts{
			Store: w.Store, Keys: w.Realm.Keys, Revocations: w.Realm.Revocations, Hasher: w.Hasher,
			Observer: w.Observer, Log: w.Realm.Log, Now: w.Clock.Now,
		})
		realmtest.Do(t, grants.New(unchecked), realmtest.Form("spa", realmtest.Values("grant_type", "client_credentials"))).
			Want(http.StatusBadRequest, "unauthorized_client")
	})
}

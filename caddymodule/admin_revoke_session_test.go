package caddymodule

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// A sign-out spares what offline_access is for. An operator means all of it.
func TestOperatorsEndAllOfASession(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	state := func(id string) (state store.GrantState) {
		_, err := app.withRealm(t.Context(), "/", func(in *realm.Realm) (any, error) {
			grant, err := in.Store.Grant(t.Context(), in.Name, id)
			state = grant.State
			return nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	_, err := app.withRealm(t.Context(), "/", func(in *realm.Realm) (any, error) {
		var all error
		for id, session := range map[string]string{"mine": "s", "offline": "s", "other": "t"} {
			grant := store.Grant{
				ID: id, Realm: in.Name, ClientID: "a", Subject: "demo", SessionID: session, Scope: oauth.Scope{"openid"},
				State: store.GrantActive, Created: in.Now(), PurgeAt: in.Now().Add(time.Hour),
			}
			if id == "offline" {
				grant.Scope = append(grant.Scope, oauth.ScopeOfflineAccess)
			}
			all = errors.Join(all, in.Store.CreateGrant(t.Context(), grant, nil))
		}
		return nil, all
	})
	if err != nil {
		t.Fatal(err)
	}
	done := mustTell[revokedAnswer](t, revokeTokens, app, "", revocation{Session: "s"})
	if done.Grants != 2 || state("mine") != store.GrantRevoked || state("offline") != store.GrantRevoked || state("other") != store.GrantActive {
		t.Errorf("%+v", done)
	}
	if again := mustTell[revokedAnswer](t, revokeTokens, app, "", revocation{Session: "s"}); again.Grants != 0 {
		t.Errorf("%+v", again)
	}
}

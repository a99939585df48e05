package realmtest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// A verifier and its challenge, as in RFC 7636 Appendix B.
const (
	Verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// Code stores what an authorization of the user demo would have stored, changed
// by adjust, and gives the code.
func (w *World) Code(t testing.TB, r *realm.Realm, clientID string, adjust ...func(*store.Grant)) oauth.Secret {
	t.Helper()
	now := w.Clock.Now()
	grant := store.Grant{
		ID:    token.NewGrantID(now),
		Realm: r.Name, ClientID: clientID, Type: oauth.GrantAuthorizationCode,
		Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo", SessionID: "session-1",
		Scope: oauth.Scope{"openid", "email", "read"}, Resources: []string{API, Files},
		RedirectURI: Callback, RedirectURISent: true,
		CodeChallenge: Challenge, Nonce: "n-0S6_WzA2Mj",
		ACR: login.ACRPassword, AMR: []string{login.AMRPassword}, AuthTime: now.Add(-time.Minute),
		State:       store.GrantPending,
		CodeExpires: now.Add(time.Minute),
		Created:     now,
		PurgeAt:     now.Add(2 * time.Minute),
	}
	for _, change := range adjust {
		change(&grant)
	}
	code, hash := r.Tokens.NewCode(grant.ID)
	grant.CodeHash = hash
	if err := w.Store.Store.CreateGrant(t.Context(), grant, nil); err != nil {
		t.Fatal(err)
	}
	return code
}

// NoChallenge is an authorization without PKCE.
func NoChallenge(grant *store.Grant) { grant.CodeChallenge = "" }

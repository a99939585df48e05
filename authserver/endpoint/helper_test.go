package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// tokens are those of one family, as the token endpoint would have given them.
type tokens struct {
	grant           store.Grant
	access, refresh oauth.Secret
	jti             string
}

// family stores an active grant of the user demo, changed by adjust, and mints
// its tokens.
func family(t testing.TB, w *realmtest.World, clientID string, adjust ...func(*store.Grant)) tokens {
	t.Helper()
	now, r := w.Clock.Now(), w.Realm
	out := tokens{grant: store.Grant{
		ID:    token.NewGrantID(now),
		Realm: r.Name, ClientID: clientID, Type: oauth.GrantAuthorizationCode,
		Account: store.Account{Service: "staff", ID: "demo"}, Subject: "demo",
		Scope: oauth.Scope{"openid", "email", "read"}, Resources: []string{realmtest.API},
		State:      store.GrantActive,
		Generation: 1, RefreshKey: r.Tokens.RefreshKeyID(), RotatedAt: now,
		IdleExpires: now.Add(24 * time.Hour), Expires: now.Add(48 * time.Hour),
		Created: now, PurgeAt: now.Add(72 * time.Hour),
	}}
	for _, change := range adjust {
		change(&out.grant)
	}
	if err := w.Store.Store.CreateGrant(t.Context(), out.grant, nil); err != nil {
		t.Fatal(err)
	}
	client, _ := r.Client(clientID)
	access, claims, err := r.AccessFor(client, &out.grant, out.grant.Scope, now)
	if err != nil {
		t.Fatal(err)
	}
	out.access, out.jti = access, claims.ID
	out.refresh = refreshToken(t, r, out.grant, out.grant.Generation)
	return out
}

func refreshToken(t testing.TB, r *realm.Realm, grant store.Grant, generation uint32) oauth.Secret {
	t.Helper()
	refresh, err := r.Tokens.MintRefresh(token.Refresh{KeyID: grant.RefreshKey, GrantID: grant.ID, Generation: generation})
	if err != nil {
		t.Fatal(err)
	}
	return refresh
}

// clientToken is an access token of client credentials.
func clientToken(t testing.TB, w *realmtest.World, clientID string, audience ...string) oauth.Secret {
	t.Helper()
	return mint(t, w, token.Access{Subject: clientID, ClientID: clientID, Scope: oauth.Scope{"read"}, Audience: audience})
}

// mint makes an access token of ten minutes that says what it is told to.
func mint(t testing.TB, w *realmtest.World, says token.Access) oauth.Secret {
	t.Helper()
	says.IssuedAt, says.Expires = w.Clock.Now(), w.Clock.Now().Add(10*time.Minute)
	access, _, err := w.Realm.Tokens.MintAccess(says, oauth.FormatJWT)
	if err != nil {
		t.Fatal(err)
	}
	return access
}

// rotate spends generation 1 of a family.
func rotate(t testing.TB, w *realmtest.World, family tokens) {
	t.Helper()
	_, err := w.Store.Store.RotateRefresh(t.Context(), store.Rotation{
		Realm: family.grant.Realm, GrantID: family.grant.ID, ClientID: family.grant.ClientID, Generation: 1,
		IdleExpires: family.grant.IdleExpires, PurgeAt: family.grant.PurgeAt, Now: w.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// otherRealm has the same clients and users as the world's own.
func otherRealm(t testing.TB, w *realmtest.World) *realm.Realm {
	t.Helper()
	return w.Open(t, w.Settings("/customers", "https://auth.example.com/oauth2/realms/root/realms/customers"))
}

// without gives the world's realm after one of its clients was removed.
func without(t testing.TB, w *realmtest.World, clientID string) *realm.Realm {
	t.Helper()
	settings := w.Realm.Settings
	settings.Clients = slices.DeleteFunc(slices.Clone(settings.Clients), func(c store.Client) bool { return c.ID == clientID })
	return w.Open(t, settings)
}

func get(t testing.TB, handler http.Handler, method string, header ...string) realmtest.Answer {
	t.Helper()
	r := httptest.NewRequest(method, "/endpoint", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return realmtest.Do(t, handler, r)
}

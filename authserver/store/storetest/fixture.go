package storetest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	realm      = "/customers"
	otherRealm = "/partners"
	client     = "web"
	otherThan  = "other"
	grantID    = "0195520f7e8070008000000000000001"
	codeHash   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	otherHash  = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

// pending is a grant whose code waits, with every field set but those that
// come with the first tokens.
func pending(id string) store.Grant {
	return store.Grant{
		ID: id, Realm: realm, ClientID: client, Type: "authorization_code",
		Account: store.Account{Service: "staff", ID: "u-1"}, Subject: "staff:u-1", SessionID: "s-1",
		Scope:     oauth.Scope{"openid", "orders:read"},
		Resources: []string{"https://api.example.com", "https://files.example.com"},

		RedirectURI: "https://app.example.com/callback?a=b&c=\"d\"", RedirectURISent: true,
		CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Nonce: "n-0S6_WzA2Mj",
		Claims: `{"id_token":{"email":null}}`,
		ACR:    "urn:example:acr", AMR: []string{"pwd", "otp"}, AuthTime: at(-30),

		State: store.GrantPending, CodeHash: codeHash, CodeExpires: at(60),
		Created: start, PurgeAt: at(3600),
	}
}

// active is a grant whose refresh token has generation n since start.
func active(id string, n uint32) store.Grant {
	grant := pending(id)
	grant.State = store.GrantActive
	grant.Generation, grant.RefreshKey, grant.RotatedAt = n, "00112233aabbccdd", start
	grant.IdleExpires, grant.Expires = at(1000), at(3000)
	return grant
}

// redemption is the right use of pending's code at a moment.
func redemption(id string, now time.Time) store.Redemption {
	return store.Redemption{
		Realm: realm, GrantID: id, ClientID: client, CodeHash: codeHash,
		Generation: 1, RefreshKey: "00112233aabbccdd",
		IdleExpires: now.Add(1000 * time.Second), Expires: at(3000), PurgeAt: at(4000), Now: now,
	}
}

// rotation is the right use of a generation of active's refresh token, with a
// grace of ten seconds.
func rotation(id string, generation uint32, now time.Time) store.Rotation {
	return store.Rotation{
		Realm: realm, GrantID: id, ClientID: client, Generation: generation,
		Grace: 10 * time.Second, IdleExpires: now.Add(1000 * time.Second), PurgeAt: at(4000), Now: now,
	}
}

// create stores a grant that a test begins with.
func create(t *testing.T, s store.Store, grant store.Grant) store.Grant {
	t.Helper()
	must(t, s.CreateGrant(t.Context(), grant, nil))
	return grant
}

// stored reads a grant of the realm.
func stored(t *testing.T, s store.Store, id string) store.Grant {
	t.Helper()
	return got(s.Grant(t.Context(), realm, id))(t)
}

// logged reads the whole revocation log as it counts at a moment.
func logged(t *testing.T, s store.Store, now time.Time) []store.Revocation {
	t.Helper()
	entries, _, err := s.Revocations(t.Context(), 0, now)
	must(t, err)
	return entries
}

// wantRevoked sees that a family is over and the log says so, once.
func wantRevoked(t *testing.T, s store.Store, id string) {
	t.Helper()
	grant := stored(t, s, id)
	if grant.State != store.GrantRevoked {
		t.Fatalf("the grant has state %d, want revoked", grant.State)
	}
	wantEqual(t, logged(t, s, start), []store.Revocation{
		{Realm: realm, Kind: store.RevokedGrant, Key: id, Expires: grant.PurgeAt},
	})
}

// wantUntouched sees that a refused step changed nothing.
func wantUntouched(t *testing.T, s store.Store, grant store.Grant) {
	t.Helper()
	wantEqual(t, stored(t, s, grant.ID), grant)
	if entries := logged(t, s, start); len(entries) != 0 {
		t.Fatalf("the revocation log has %v, want nothing", entries)
	}
}

package storetest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var grantChecks = []check{
	{"is kept field by field", func(t *testing.T, s store.Store) {
		grant := active(grantID, 7)
		wantNoZeroField(t, grant)
		create(t, s, grant)
		wantEqual(t, stored(t, s, grantID), grant)
	}},
	{"is kept when everything that may be empty is", func(t *testing.T, s store.Store) {
		grant := store.Grant{
			ID: grantID, Realm: realm, ClientID: client, Type: "password",
			State: store.GrantActive, Created: start, PurgeAt: at(600),
		}
		create(t, s, grant)
		wantEqual(t, stored(t, s, grantID), grant)
	}},
	{"keeps whole seconds in UTC", func(t *testing.T, s store.Store) {
		grant := active(grantID, 1)
		grant.Created = start.Add(999 * time.Millisecond).In(time.FixedZone("east", 3600))
		create(t, s, grant)
		wantEqual(t, stored(t, s, grantID).Created, start)
	}},
	{"keeps the highest generation", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 1<<32-1))
		wantEqual(t, stored(t, s, grantID), grant)
	}},
	{"is created once, so that a consent form works once", func(t *testing.T, s store.Store) {
		grant := create(t, s, pending(grantID))
		again := grant
		again.Subject = "someone else"
		wantError(t, s.CreateGrant(t.Context(), again, consentOf("orders:read")), store.ErrExists)
		wantEqual(t, stored(t, s, grantID), grant)
		_, err := s.Consent(t.Context(), realm, "staff:u-1", client)
		wantError(t, err, store.ErrNotFound)
	}},
	{"brings its consent with it", func(t *testing.T, s store.Store) {
		must(t, s.CreateGrant(t.Context(), pending(grantID), consentOf("orders:read")))
		wantEqual(t, got(s.Consent(t.Context(), realm, "staff:u-1", client))(t).Scope, oauth.Scope{"orders:read"})
	}},
	{"is not found when unknown", func(t *testing.T, s store.Store) {
		_, err := s.Grant(t.Context(), realm, grantID)
		wantError(t, err, store.ErrNotFound)
	}},
	{"AS57 realms do not see each other's", func(t *testing.T, s store.Store) {
		grant := create(t, s, pending(grantID))
		_, err := s.Grant(t.Context(), otherRealm, grantID)
		wantError(t, err, store.ErrNotFound)

		theirs := grant
		theirs.Realm, theirs.Subject = otherRealm, "someone else"
		create(t, s, theirs)
		wantEqual(t, stored(t, s, grantID), grant)
		wantEqual(t, got(s.Grant(t.Context(), otherRealm, grantID))(t), theirs)
	}},
}

// consentOf is a consent of the fixtures' subject to a client.
func consentOf(scope ...string) *store.Consent {
	return &store.Consent{Realm: realm, Subject: "staff:u-1", ClientID: client, Scope: scope, Updated: start}
}

package storetest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var revocationChecks = []check{
	{"of a grant ends it and is logged until its row ends", func(t *testing.T, s store.Store) {
		for _, grant := range []store.Grant{pending("pending"), active("active", 3)} {
			create(t, s, grant)
			must(t, s.RevokeGrant(t.Context(), realm, grant.ID, at(5)))
			want := grant
			want.State = store.GrantRevoked
			wantEqual(t, stored(t, s, grant.ID), want)
		}
		wantEqual(t, logged(t, s, at(3599)), []store.Revocation{
			{Realm: realm, Kind: store.RevokedGrant, Key: "pending", Expires: at(3600)},
			{Realm: realm, Kind: store.RevokedGrant, Key: "active", Expires: at(3600)},
		})
		wantEqual(t, len(logged(t, s, at(3600))), 0)
	}},
	{"of a grant ends its refresh token", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		must(t, s.RevokeGrant(t.Context(), realm, grantID, at(5)))
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 3, at(6)))
		wantError(t, err, store.ErrNotFound)
		_, err = s.TouchRefresh(t.Context(), rotation(grantID, 3, at(6)))
		wantError(t, err, store.ErrNotFound)
	}},
	{"of a grant is in the log no longer than its access tokens can live", func(t *testing.T, s store.Store) {
		grant := active(grantID, 3)
		grant.PurgeAt = at(0).AddDate(1, 0, 0)
		create(t, s, grant)
		must(t, s.RevokeGrant(t.Context(), realm, grantID, at(5)))
		wantEqual(t, len(logged(t, s, at(5).Add(store.MaxAccessTokenLifetime))), 1)
		wantEqual(t, len(logged(t, s, at(5).Add(store.MaxAccessTokenLifetime+time.Hour))), 0)
		wantEqual(t, stored(t, s, grantID).State, store.GrantRevoked)
	}},
	{"of a grant may be repeated", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		for n := range 3 {
			must(t, s.RevokeGrant(t.Context(), realm, grantID, at(n)))
			wantRevoked(t, s, grantID)
		}
	}},
	{"of an unknown grant is no error", func(t *testing.T, s store.Store) {
		must(t, s.RevokeGrant(t.Context(), realm, "unknown", at(5)))
		wantEqual(t, len(logged(t, s, start)), 0)
	}},
	{"AS57 of a grant does not reach other realms", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 3))
		must(t, s.RevokeGrant(t.Context(), otherRealm, grantID, at(5)))
		wantUntouched(t, s, grant)
	}},
	{"of a token is logged until it expires", func(t *testing.T, s store.Store) {
		entry := store.Revocation{Realm: realm, Kind: store.RevokedToken, Key: "jti-1", Expires: at(600)}
		must(t, s.RevokeToken(t.Context(), realm, "jti-1", at(600), at(5)))
		wantEqual(t, logged(t, s, at(599)), []store.Revocation{entry})
		wantEqual(t, len(logged(t, s, at(600))), 0)
	}},
	{"of a token may be repeated", func(t *testing.T, s store.Store) {
		for n := range 3 {
			must(t, s.RevokeToken(t.Context(), realm, "jti-1", at(600), at(n)))
		}
		wantEqual(t, len(logged(t, s, start)), 1)
	}},
	{"of a token that has expired is no error", func(t *testing.T, s store.Store) {
		must(t, s.RevokeToken(t.Context(), realm, "jti-1", at(5), at(5)))
		wantEqual(t, len(logged(t, s, at(5))), 0)
	}},
	{"AS57 of a token names its realm", func(t *testing.T, s store.Store) {
		must(t, s.RevokeToken(t.Context(), realm, "jti-1", at(600), start))
		must(t, s.RevokeToken(t.Context(), otherRealm, "jti-1", at(700), start))
		wantEqual(t, logged(t, s, start), []store.Revocation{
			{Realm: realm, Kind: store.RevokedToken, Key: "jti-1", Expires: at(600)},
			{Realm: otherRealm, Kind: store.RevokedToken, Key: "jti-1", Expires: at(700)},
		})
	}},
	{"of a token and of a grant are kept apart", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		must(t, s.RevokeToken(t.Context(), realm, grantID, at(600), start))
		must(t, s.RevokeGrant(t.Context(), realm, grantID, start))
		wantEqual(t, len(logged(t, s, start)), 2)
	}},
	{"log is read on from where it was left", readLogOn},
}

func readLogOn(t *testing.T, s store.Store) {
	var position int64
	next := func(now int, want ...string) {
		t.Helper()
		entries, next, err := s.Revocations(t.Context(), position, at(now))
		must(t, err)
		keys := make([]string, 0, len(entries))
		for _, entry := range entries {
			keys = append(keys, entry.Key)
		}
		wantEqual(t, keys, append([]string{}, want...))
		if moved := next > position; moved != (len(want) > 0) || next < position {
			t.Fatalf("the position went from %d to %d over %d entries", position, next, len(want))
		}
		position = next
	}
	next(0)
	must(t, s.RevokeToken(t.Context(), realm, "a", at(100), start))
	must(t, s.RevokeToken(t.Context(), realm, "b", at(200), start))
	next(0, "a", "b")
	next(0)
	must(t, s.RevokeToken(t.Context(), realm, "c", at(300), start))
	next(0, "c")

	// Entries that were deleted leave no position behind to be given again:
	// whoever stands there would miss what is written next.
	got(s.DeleteExpired(t.Context(), at(300), 100))(t)
	must(t, s.RevokeToken(t.Context(), realm, "d", at(400), start))
	must(t, s.RevokeToken(t.Context(), realm, "e", at(500), start))
	next(400, "e")
}

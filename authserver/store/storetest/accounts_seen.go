package storetest

import (
	"encoding/json"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// seenAccount is one that signed in at start, and is needed for 1000 seconds.
func seenAccount(id string) store.SeenAccount {
	return store.SeenAccount{
		Realm: realm, Account: store.Account{Service: "corp", ID: id},
		Claims: map[string]any{"email": "a@example.com", "email_verified": true, "updated_at": json.Number("1700000000")},
		Seen:   start, PurgeAt: at(1000),
	}
}

var seenAccountChecks = []check{
	{"is kept field by field", func(t *testing.T, s store.Store) {
		want := seenAccount("u-1")
		wantNoZeroField(t, want)
		must(t, s.RememberAccount(t.Context(), want))
		wantEqual(t, got(s.SeenAccount(t.Context(), realm, want.Account))(t), want)
	}},
	{"is not found when it was never here", func(t *testing.T, s store.Store) {
		_, err := s.SeenAccount(t.Context(), realm, seenAccount("u-1").Account)
		wantError(t, err, store.ErrNotFound)
	}},
	{"is what it was like the last time", func(t *testing.T, s store.Store) {
		must(t, s.RememberAccount(t.Context(), seenAccount("u-1")))
		want := seenAccount("u-1")
		want.Claims, want.Seen, want.PurgeAt = map[string]any{"email": "b@example.com"}, at(10), at(2000)
		must(t, s.RememberAccount(t.Context(), want))
		wantEqual(t, got(s.SeenAccount(t.Context(), realm, want.Account))(t), want)
	}},
	{"AS57 realms and services do not see each other's", func(t *testing.T, s store.Store) {
		one, other, theirs := seenAccount("u-1"), seenAccount("u-1"), seenAccount("u-1")
		other.Account.Service, other.Claims = "partner", map[string]any{"email": "p@example.com"}
		theirs.Realm, theirs.Claims = otherRealm, map[string]any{"email": "t@example.com"}
		for _, account := range []store.SeenAccount{one, other, theirs} {
			must(t, s.RememberAccount(t.Context(), account))
		}
		for _, want := range []store.SeenAccount{one, other, theirs} {
			wantEqual(t, got(s.SeenAccount(t.Context(), want.Realm, want.Account))(t), want)
		}
	}},
	{"is deleted when nothing needs it", func(t *testing.T, s store.Store) {
		seen := seenAccount("u-1")
		must(t, s.RememberAccount(t.Context(), seen))
		got(s.DeleteExpired(t.Context(), at(999), 100))(t)
		wantEqual(t, got(s.SeenAccount(t.Context(), realm, seen.Account))(t), seen)

		// It signed in again: the end has moved.
		seen.PurgeAt = at(2000)
		must(t, s.RememberAccount(t.Context(), seen))
		got(s.DeleteExpired(t.Context(), at(1000), 100))(t)
		wantEqual(t, got(s.SeenAccount(t.Context(), realm, seen.Account))(t), seen)

		got(s.DeleteExpired(t.Context(), at(2000), 100))(t)
		_, err := s.SeenAccount(t.Context(), realm, seen.Account)
		wantError(t, err, store.ErrNotFound)
	}},
}

package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var restoreChecks = []check{
	{"a restored store has no code that works, and forgets no family", func(t *testing.T, s store.Store) {
		create(t, s, pending("code"))
		kept := create(t, s, active("family", 3))
		done := got(s.Restored(t.Context(), false, at(600), at(5)))(t)
		wantEqual(t, done, store.Restoration{Done: true})
		err := s.RedeemCode(t.Context(), redemption("code", at(10)))
		wantError(t, err, store.ErrNotFound)
		wantEqual(t, stored(t, s, "family"), kept)
		// Of the same second nobody can tell which side of it a code is from.
		for id, created := range map[string]int{"same": 5, "later": 6} {
			grant := pending(id)
			grant.Created = at(created)
			create(t, s, grant)
		}
		err = s.RedeemCode(t.Context(), redemption("same", at(10)))
		wantError(t, err, store.ErrNotFound)
		redeemed(t, s, redemption("later", at(10)))
		// Once more changes nothing.
		wantEqual(t, got(s.Restored(t.Context(), false, at(600), at(5)))(t), store.Restoration{Done: true})
	}},
	{"a restored store takes no id that may have been spent after the backup", func(t *testing.T, s store.Store) {
		got(s.Restored(t.Context(), false, at(600), at(5)))(t)
		wantError(t, s.Spend(t.Context(), "before", at(600)), store.ErrExists)
		must(t, s.Spend(t.Context(), "after", at(601)))
		// An earlier mark takes nothing back.
		got(s.Restored(t.Context(), false, at(60), at(4)))(t)
		wantError(t, s.Spend(t.Context(), "before", at(600)), store.ErrExists)
	}},
	{"a store that is no backup is left alone", func(t *testing.T, s store.Store) {
		code := create(t, s, pending("code"))
		wantEqual(t, got(s.Restored(t.Context(), true, at(600), at(5)))(t), store.Restoration{})
		must(t, s.Spend(t.Context(), "honest", at(60)))
		wantEqual(t, stored(t, s, "code"), code)
	}},
	{"a token rotated after the backup works once more, then the fork is found", func(t *testing.T, s store.Store) {
		// The backup knows generation 3. Its client has 4, a thief may have 3.
		create(t, s, active("family", 3))
		got(s.Restored(t.Context(), true, at(600), at(5)))(t)
		thief := rotated(t, s, rotation("family", 3, at(100)))
		wantEqual(t, thief.Generation, uint32(4))
		// The client's own 4 is now the current one too.
		wantEqual(t, rotated(t, s, rotation("family", 4, at(101))).Generation, uint32(5))
		// What the thief was given is that 4: after the grace it ends the family.
		_, err := s.RotateRefresh(t.Context(), rotation("family", 4, at(120)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, "family")
	}},
	{"the newest tokens of honest clients are ahead of the backup and go on", func(t *testing.T, s store.Store) {
		create(t, s, active("family", 3))
		got(s.Restored(t.Context(), false, at(600), at(5)))(t)
		wantEqual(t, rotated(t, s, rotation("family", 7, at(100))).Generation, uint32(8))
		_, err := s.RotateRefresh(t.Context(), rotation("family", 3, at(120)))
		wantError(t, err, store.ErrReplayed)
	}},
}

package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// switched is a realm with every switch set.
func switched() store.Switches {
	on := true
	return store.Switches{
		Realm: realm, Disabled: true, Grants: map[string]bool{"password": true, "implicit": false},
		JSONAuthenticate: &on, Updated: start,
	}
}

// switchChanges reads what every node hears.
func switchChanges(t *testing.T, s store.Store, after int64) []store.Switches {
	t.Helper()
	changes, next, err := s.SwitchChanges(t.Context(), after)
	must(t, err)
	if next < after || (next > after) != (len(changes) > 0) {
		t.Fatalf("the position went from %d to %d over %d changes", after, next, len(changes))
	}
	return changes
}

var realmChecks = []check{
	{"is kept as it was switched", func(t *testing.T, s store.Store) {
		wantEqual(t, len(switchChanges(t, s, 0)), 0)
		full := switched()
		full.Version = got(s.PutSwitches(t.Context(), full))(t)
		wantNoZeroField(t, full)
		least := store.Switches{Realm: otherRealm, Updated: start}
		least.Version = got(s.PutSwitches(t.Context(), least))(t)
		wantEqual(t, switchChanges(t, s, 0), []store.Switches{full, least})
		wantEqual(t, switchChanges(t, s, full.Version), []store.Switches{least})
		wantEqual(t, len(switchChanges(t, s, least.Version)), 0)
	}},
	{"is switched again where the version is right", func(t *testing.T, s store.Store) {
		first := switched()
		first.Version = 7
		_, err := s.PutSwitches(t.Context(), first)
		wantError(t, err, store.ErrConflict)
		first.Version = 0
		first.Version = got(s.PutSwitches(t.Context(), first))(t)
		next := store.Switches{Realm: realm, Version: first.Version, Updated: at(9)}
		next.Version = got(s.PutSwitches(t.Context(), next))(t)
		_, err = s.PutSwitches(t.Context(), first)
		wantError(t, err, store.ErrConflict)
		wantEqual(t, switchChanges(t, s, first.Version), []store.Switches{next})
		next.Version, next.Disabled = 0, true
		next.Version = got(s.PutSwitches(t.Context(), next))(t)
		wantEqual(t, switchChanges(t, s, 0), []store.Switches{next})
	}},
}

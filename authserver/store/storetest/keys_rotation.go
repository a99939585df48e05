package storetest

import (
	"strconv"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// next is a key that is to follow the one that key makes.
func next(id string, since int) store.Key {
	k := key(id)
	k.State, k.Created, k.Since = store.KeyNext, at(since), at(since)
	return k
}

// withKeys stores an active key k1 and a next one k2, since second 10.
func withKeys(t *testing.T, s store.Store) {
	t.Helper()
	got(s.CreateKey(t.Context(), key("k1")))(t)
	must(t, s.AddNextKey(t.Context(), next("k2", 10)))
}

// wantKeys says in which state each key of the realm is, in the order of their
// making, and since when.
func wantKeys(t *testing.T, s store.Store, want ...string) {
	t.Helper()
	keys := got(s.Keys(t.Context(), realm))(t)
	states := make([]string, 0, len(keys))
	for _, k := range keys {
		states = append(states, k.ID+" "+k.State.String()+" "+strconv.Itoa(int(k.Since.Sub(start).Seconds())))
		if erased := len(k.Wrapped) == 0; erased != (k.State == store.KeyRetired) {
			t.Errorf("%s is %v; its secret is erased: %v", k.ID, k.State, erased)
		}
	}
	wantEqual(t, states, want)
}

var keyRotationChecks = []check{
	{"AS54 goes from next to active to retiring to retired", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		wantKeys(t, s, "k1 active 1", "k2 next 10")
		must(t, s.PromoteKey(t.Context(), realm, "k2", at(10), at(20)))
		wantKeys(t, s, "k1 retiring 20", "k2 active 20")
		must(t, s.RetireKey(t.Context(), realm, "k1", at(20), at(30)))
		wantKeys(t, s, "k1 retired 30", "k2 active 20")
	}},
	{"AS54 there is one next key", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		wantError(t, s.AddNextKey(t.Context(), next("k3", 11)), store.ErrExists)
		wantError(t, s.AddNextKey(t.Context(), next("k2", 11)), store.ErrExists)
		other := next("k4", 11)
		other.Algorithm = "RS256"
		must(t, s.AddNextKey(t.Context(), other))
		theirs := next("k2", 11)
		theirs.Realm = otherRealm
		must(t, s.AddNextKey(t.Context(), theirs))
		wantKeys(t, s, "k1 active 1", "k2 next 10", "k4 next 11")
	}},
	{"AS54 no key is promoted that has not waited", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		wantError(t, s.PromoteKey(t.Context(), realm, "k2", at(9), at(20)), store.ErrNotFound)
		wantError(t, s.PromoteKey(t.Context(), realm, "k1", at(20), at(20)), store.ErrNotFound)
		wantError(t, s.PromoteKey(t.Context(), realm, "k9", at(20), at(20)), store.ErrNotFound)
		wantError(t, s.PromoteKey(t.Context(), otherRealm, "k2", at(20), at(20)), store.ErrNotFound)
		wantKeys(t, s, "k1 active 1", "k2 next 10")
	}},
	{"AS57 promoting one leaves all other keys alone", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		other, theirs := key("k3"), key("k1")
		other.Algorithm, theirs.Realm = "RS256", otherRealm
		got(s.CreateKey(t.Context(), other))(t)
		got(s.CreateKey(t.Context(), theirs))(t)
		must(t, s.PromoteKey(t.Context(), realm, "k2", at(10), at(20)))
		wantKeys(t, s, "k1 retiring 20", "k3 active 1", "k2 active 20")
		wantEqual(t, got(s.Keys(t.Context(), otherRealm))(t), []store.Key{theirs})
	}},
	{"AS54 only a retiring key that has waited is retired", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		wantError(t, s.RetireKey(t.Context(), realm, "k1", at(99), at(99)), store.ErrNotFound)
		wantError(t, s.RetireKey(t.Context(), realm, "k2", at(99), at(99)), store.ErrNotFound)
		must(t, s.PromoteKey(t.Context(), realm, "k2", at(10), at(20)))
		wantError(t, s.RetireKey(t.Context(), realm, "k1", at(19), at(99)), store.ErrNotFound)
		must(t, s.RetireKey(t.Context(), realm, "k1", at(20), at(99)))
		wantError(t, s.RetireKey(t.Context(), realm, "k1", at(99), at(99)), store.ErrNotFound)
	}},
	{"F18 the next key follows an active one that is removed", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		unused := key("k3")
		must(t, s.RemoveKey(t.Context(), realm, "k1", &unused, at(20)))
		wantKeys(t, s, "k1 retired 20", "k2 active 20")
	}},
	{"F18 the successor follows when there is no next key", func(t *testing.T, s store.Store) {
		got(s.CreateKey(t.Context(), key("k1")))(t)
		successor := next("k3", 20)
		must(t, s.RemoveKey(t.Context(), realm, "k1", &successor, at(20)))
		wantKeys(t, s, "k1 retired 20", "k3 active 20")
		must(t, s.RemoveKey(t.Context(), realm, "k3", nil, at(30)))
		wantKeys(t, s, "k1 retired 20", "k3 retired 30")
	}},
	{"F18 a removed key that was not active has no successor", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		unused := key("k3")
		must(t, s.RemoveKey(t.Context(), realm, "k2", &unused, at(20)))
		wantKeys(t, s, "k1 active 1", "k2 retired 20")
		wantError(t, s.RemoveKey(t.Context(), realm, "k2", &unused, at(21)), store.ErrNotFound)
		wantError(t, s.RemoveKey(t.Context(), realm, "k9", &unused, at(21)), store.ErrNotFound)
		wantError(t, s.RemoveKey(t.Context(), otherRealm, "k1", &unused, at(21)), store.ErrNotFound)
	}},
	{"the row of a retired key goes later", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		must(t, s.RemoveKey(t.Context(), realm, "k2", nil, at(20)))
		const week = 7 * 24 * 3600
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(20+week-1), 10))(t), 0)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(20+week), 10))(t), 1)
		wantKeys(t, s, "k1 active 1")
	}},
	{"a time that lies ahead is corrected", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		wantError(t, s.RestampKey(t.Context(), realm, "k2", at(10), at(5)), store.ErrNotFound)
		must(t, s.RestampKey(t.Context(), realm, "k2", at(9), at(5)))
		wantKeys(t, s, "k1 active 1", "k2 next 5")
	}},
	{"every change is told once, in order", tellKeyChanges},
	{"F18 of 64 that rotate at once one does", raceRotation},
}

func tellKeyChanges(t *testing.T, s store.Store) {
	var position int64
	changed := func(want ...string) {
		t.Helper()
		realms, next, err := s.KeyChanges(t.Context(), position)
		must(t, err)
		wantEqual(t, realms, want)
		if moved := next > position; moved != (len(want) > 0) {
			t.Fatalf("the position went from %d to %d", position, next)
		}
		position = next
	}
	changed()
	theirs := key("k1")
	theirs.Realm = otherRealm
	got(s.CreateKey(t.Context(), theirs))(t)
	got(s.CreateKey(t.Context(), key("k1")))(t)
	changed(otherRealm, realm)
	changed()
	must(t, s.AddNextKey(t.Context(), next("k2", 10)))
	changed(realm)
	// What did nothing is no change.
	wantError(t, s.AddNextKey(t.Context(), next("k3", 10)), store.ErrExists)
	wantError(t, s.PromoteKey(t.Context(), realm, "k2", at(9), at(9)), store.ErrNotFound)
	changed()
	must(t, s.RestampKey(t.Context(), realm, "k2", at(8), at(9)))
	changed(realm)
	must(t, s.PromoteKey(t.Context(), realm, "k2", at(10), at(20)))
	changed(realm)
	must(t, s.RetireKey(t.Context(), realm, "k1", at(20), at(20)))
	changed(realm)
	must(t, s.RemoveKey(t.Context(), otherRealm, "k1", nil, at(20)))
	changed(otherRealm)
	got(s.RewrapKeys(t.Context(), "other", func(k store.Key) ([]byte, error) { return k.Wrapped, nil }))(t)
	changed(realm)
}

// raceRotation sees that whatever the contenders do there is one active key and
// never a second next one.
func raceRotation(t *testing.T, s store.Store) {
	got(s.CreateKey(t.Context(), key("k0")))(t)
	active := "k0"
	for round := range rounds(10) {
		now := at(10 * (round + 1))
		id := func(n int) string { return "r" + strconv.Itoa(round) + "n" + strconv.Itoa(n) }
		_, errs := race(t, func(n int) (struct{}, error) { return struct{}{}, s.AddNextKey(t.Context(), next(id(n), 10*round)) })
		added := id(wantOneWinner(t, errs, store.ErrExists))
		_, errs = race(t, func(int) (struct{}, error) {
			return struct{}{}, s.PromoteKey(t.Context(), realm, added, now, now)
		})
		wantOneWinner(t, errs, store.ErrNotFound)
		_, errs = race(t, func(int) (struct{}, error) { return struct{}{}, s.RetireKey(t.Context(), realm, active, now, now) })
		wantOneWinner(t, errs, store.ErrNotFound)
		states := map[store.KeyState]int{}
		for _, k := range got(s.Keys(t.Context(), realm))(t) {
			states[k.State]++
		}
		wantEqual(t, states, map[store.KeyState]int{store.KeyActive: 1, store.KeyRetired: round + 1})
		active = added
	}
}

package storetest

import (
	"strconv"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var maintenanceChecks = []check{
	{"remembers the first value", func(t *testing.T, s store.Store) {
		wantEqual(t, got(s.Remember(t.Context(), "name", "first"))(t), "first")
		wantEqual(t, got(s.Remember(t.Context(), "name", "second"))(t), "first")
		wantEqual(t, got(s.Remember(t.Context(), "another", ""))(t), "")
		wantEqual(t, got(s.Remember(t.Context(), "another", "late"))(t), "")
		// Names of the store's own housekeeping are not in the way.
		wantEqual(t, got(s.Remember(t.Context(), "schema", "mine"))(t), "mine")
	}},
	{"gives a lease to one owner at a time", func(t *testing.T, s store.Store) {
		lease := func(name, owner string, until, now int, want bool) {
			t.Helper()
			wantEqual(t, got(s.Lease(t.Context(), name, owner, at(until), at(now)))(t), want)
		}
		lease("gc", "a", 100, 0, true)
		lease("gc", "b", 150, 99, false)
		lease("keys", "b", 150, 99, true)
		lease("gc", "a", 200, 99, true)
		lease("gc", "b", 250, 100, false)
		lease("gc", "b", 300, 200, true)
		lease("gc", "a", 400, 201, false)
	}},
	{"deletes what has ended, and only that", deleteEnded},
	{"deletes in batches", func(t *testing.T, s store.Store) {
		for n := range 10 {
			grant := pending(strconv.Itoa(n))
			grant.PurgeAt = at(100 - n)
			create(t, s, grant)
			must(t, s.RevokeToken(t.Context(), realm, strconv.Itoa(n), at(100), start))
			must(t, s.CreateSession(t.Context(), session(strconv.Itoa(n)), ""))
		}
		for _, want := range []int{12, 12, 6, 0} {
			wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 4))(t), want)
		}
	}},
	{"deletes the oldest first", func(t *testing.T, s store.Store) {
		for n := range 3 {
			grant := pending(strconv.Itoa(n))
			grant.PurgeAt = at(100 - n)
			create(t, s, grant)
		}
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 1))(t), 1)
		_, err := s.Grant(t.Context(), realm, "2")
		wantError(t, err, store.ErrNotFound)
	}},
}

func deleteEnded(t *testing.T, s store.Store) {
	ended, alive := pending("ended"), pending("alive")
	ended.PurgeAt, alive.PurgeAt = at(100), at(101)
	create(t, s, ended)
	create(t, s, alive)
	must(t, s.RevokeToken(t.Context(), realm, "ended", at(100), start))
	must(t, s.RevokeToken(t.Context(), realm, "alive", at(101), start))
	idle, old, used := session("idle"), session("old"), session("used")
	old.IdleExpires, old.Expires = at(500), at(100)
	for _, each := range []store.Session{idle, old, used} {
		must(t, s.CreateSession(t.Context(), each, ""))
	}
	must(t, s.TouchSession(t.Context(), realm, "used", at(200), at(99)))
	got(s.CreateKey(t.Context(), key("k1")))(t)
	got(s.Remember(t.Context(), "name", "value"))(t)

	wantEqual(t, got(s.DeleteExpired(t.Context(), at(99), 100))(t), 0)
	wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 100))(t), 4)
	wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 100))(t), 0)

	_, err := s.Grant(t.Context(), realm, "ended")
	wantError(t, err, store.ErrNotFound)
	wantEqual(t, stored(t, s, "alive"), alive)
	wantEqual(t, logged(t, s, start), []store.Revocation{
		{Realm: realm, Kind: store.RevokedToken, Key: "alive", Expires: at(101)},
	})
	wantSession(t, s, "used", 100, nil)
	wantSession(t, s, "idle", 0, store.ErrNotFound)
	wantSession(t, s, "old", 0, store.ErrNotFound)
	wantEqual(t, len(got(s.Keys(t.Context(), realm))(t)), 1)
	wantEqual(t, got(s.Remember(t.Context(), "name", "other"))(t), "value")
}

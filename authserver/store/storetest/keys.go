package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// key is an active signing key.
func key(id string) store.Key {
	return store.Key{
		Realm: realm, ID: id, Purpose: store.KeySign, Algorithm: "ES256", State: store.KeyActive,
		Wrapped: []byte{0, 1, 0xfe, 0xff, '\'', 0}, WrappedBy: "check", Created: start, Since: at(1),
	}
}

var keyChecks = []check{
	{"is kept field by field", func(t *testing.T, s store.Store) {
		want := key("k1")
		wantNoZeroField(t, want)
		wantEqual(t, got(s.CreateKey(t.Context(), want))(t), want)
		wantEqual(t, got(s.Keys(t.Context(), realm))(t), []store.Key{want})
	}},
	{"is made once for a purpose and algorithm", func(t *testing.T, s store.Store) {
		first := got(s.CreateKey(t.Context(), key("k1")))(t)
		wantEqual(t, got(s.CreateKey(t.Context(), key("k2")))(t), first)
		wantEqual(t, got(s.CreateKey(t.Context(), key("k1")))(t), first)
		wantEqual(t, len(got(s.Keys(t.Context(), realm))(t)), 1)
	}},
	{"has an id of its own", func(t *testing.T, s store.Store) {
		got(s.CreateKey(t.Context(), key("k1")))(t)
		again := key("k1")
		again.Purpose = store.KeyRefresh
		_, err := s.CreateKey(t.Context(), again)
		wantError(t, err, store.ErrExists)
	}},
	{"AS57 is listed with its realm's, oldest first", func(t *testing.T, s store.Store) {
		third, first, second, theirs := key("k1"), key("k3"), key("k2"), key("k1")
		third.Created = at(2)
		first.Purpose, first.Algorithm = store.KeyAccess, "XC20P"
		second.Algorithm, second.Created = "RS256", at(1)
		theirs.Realm = otherRealm
		for _, k := range []store.Key{third, first, second, theirs} {
			wantEqual(t, got(s.CreateKey(t.Context(), k))(t), k)
		}
		wantEqual(t, got(s.Keys(t.Context(), realm))(t), []store.Key{first, second, third})
		wantEqual(t, got(s.Keys(t.Context(), otherRealm))(t), []store.Key{theirs})
		wantEqual(t, len(got(s.Keys(t.Context(), "/none"))(t)), 0)
	}},
}

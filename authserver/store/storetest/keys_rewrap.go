package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var errDamaged = errors.New("damaged")

// turned stands for sealing a key anew.
func turned(k store.Key) ([]byte, error) {
	wrapped := slices.Clone(k.Wrapped)
	slices.Reverse(wrapped)
	return wrapped, nil
}

var keyRewrapChecks = []check{
	{"AS53 every key and the check value move together", func(t *testing.T, s store.Store) {
		remembered(t, s, "check")
		withKeys(t, s)
		theirs := key("k1")
		theirs.Realm = otherRealm
		got(s.CreateKey(t.Context(), theirs))(t)
		wantEqual(t, got(s.RewrapKeys(t.Context(), "other", turned))(t), 3)
		remembered(t, s, "other")
		for _, in := range []string{realm, otherRealm} {
			for _, k := range got(s.Keys(t.Context(), in))(t) {
				want, err := turned(key(k.ID))
				must(t, err)
				wantEqual(t, k.Wrapped, want)
				wantEqual(t, k.WrappedBy, "other")
			}
		}
		// Again does nothing.
		wantEqual(t, got(s.RewrapKeys(t.Context(), "other", turned))(t), 0)
		wantKeys(t, s, "k1 active 1", "k2 next 10")
	}},
	{"AS53 one that cannot be opened leaves all as they are", func(t *testing.T, s store.Store) {
		remembered(t, s, "check")
		withKeys(t, s)
		_, err := s.RewrapKeys(t.Context(), "other", func(k store.Key) ([]byte, error) {
			if k.ID == "k2" {
				return nil, errDamaged
			}
			return []byte("new"), nil
		})
		wantError(t, err, errDamaged)
		remembered(t, s, "check")
		wantEqual(t, got(s.Keys(t.Context(), realm))(t), []store.Key{key("k1"), next("k2", 10)})
	}},
	{"AS53 nothing is stored any more that the old key has wrapped", func(t *testing.T, s store.Store) {
		remembered(t, s, "check")
		got(s.CreateKey(t.Context(), key("k1")))(t)
		got(s.RewrapKeys(t.Context(), "other", turned))(t)
		if err := s.AddNextKey(t.Context(), next("k2", 10)); err == nil {
			t.Error("a next key is added")
		}
		late := key("k3")
		late.Algorithm = "RS256"
		if _, err := s.CreateKey(t.Context(), late); err == nil {
			t.Error("an active key is created")
		}
		if err := s.RemoveKey(t.Context(), realm, "k1", &late, at(20)); err == nil {
			t.Error("a successor is stored")
		}
		wantKeys(t, s, "k1 active 1")
	}},
	{"AS53 retired keys have nothing to be wrapped", func(t *testing.T, s store.Store) {
		withKeys(t, s)
		must(t, s.RemoveKey(t.Context(), realm, "k2", nil, at(20)))
		wantEqual(t, got(s.RewrapKeys(t.Context(), "other", turned))(t), 1)
	}},
}

// remembered says which check value is the one that wraps, and stores it when
// there is none yet.
func remembered(t *testing.T, s store.Store, want string) {
	t.Helper()
	wantEqual(t, got(s.Remember(t.Context(), store.EncryptionKeyCheck, want))(t), want)
}

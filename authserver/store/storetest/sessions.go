package storetest

import (
	"errors"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const sessionDigest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

// session is one that lives from start for 100 seconds, to 1000 if used.
func session(digest string) store.Session {
	return store.Session{
		Digest: digest, ID: "sid-" + digest, Realm: realm, Kind: store.SessionJSON,
		Account: store.Account{Service: "staff", ID: "u-1"}, Subject: "staff:u-1",
		AuthTime: at(-1), ACR: "urn:example:acr", AMR: []string{"pwd", "otp"},
		Created: start, IdleExpires: at(100), Expires: at(1000),
		Source: "192.0.2.7", Device: "Firefox, Linux",
	}
}

func wantSession(t *testing.T, s store.Store, digest string, now int, want error) {
	t.Helper()
	_, err := s.Session(t.Context(), realm, digest, at(now))
	if !errors.Is(err, want) {
		t.Fatalf("session after %d s: got %v, want %v", now, err, want)
	}
}

var sessionChecks = []check{
	{"is kept field by field", func(t *testing.T, s store.Store) {
		want := session(sessionDigest)
		wantNoZeroField(t, want)
		must(t, s.CreateSession(t.Context(), want, ""))
		wantEqual(t, got(s.Session(t.Context(), realm, sessionDigest, start))(t), want)
	}},
	{"is not found when unknown", func(t *testing.T, s store.Store) {
		wantSession(t, s, sessionDigest, 0, store.ErrNotFound)
		wantError(t, s.TouchSession(t.Context(), realm, sessionDigest, at(100), start), store.ErrNotFound)
		must(t, s.EndSession(t.Context(), realm, sessionDigest))
	}},
	{"ends when idle", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session(sessionDigest), ""))
		wantSession(t, s, sessionDigest, 99, nil)
		wantSession(t, s, sessionDigest, 100, store.ErrNotFound)
		wantError(t, s.TouchSession(t.Context(), realm, sessionDigest, at(200), at(100)), store.ErrNotFound)
	}},
	{"lives on when used, but not for ever", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session(sessionDigest), ""))
		must(t, s.TouchSession(t.Context(), realm, sessionDigest, at(2000), at(99)))
		want := session(sessionDigest)
		want.IdleExpires = at(2000)
		wantEqual(t, got(s.Session(t.Context(), realm, sessionDigest, at(999)))(t), want)
		wantSession(t, s, sessionDigest, 1000, store.ErrNotFound)
		wantError(t, s.TouchSession(t.Context(), realm, sessionDigest, at(3000), at(1000)), store.ErrNotFound)
	}},
	{"lives for ever without ends", func(t *testing.T, s store.Store) {
		want := session(sessionDigest)
		want.IdleExpires, want.Expires = zeroTime, zeroTime
		must(t, s.CreateSession(t.Context(), want, ""))
		got(s.DeleteExpired(t.Context(), at(1<<31), 100))(t)
		wantEqual(t, got(s.Session(t.Context(), realm, sessionDigest, at(1<<31)))(t), want)
	}},
	{"ends at sign-out", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session(sessionDigest), ""))
		must(t, s.CreateSession(t.Context(), session("another"), ""))
		must(t, s.EndSession(t.Context(), realm, sessionDigest))
		wantSession(t, s, sessionDigest, 0, store.ErrNotFound)
		wantSession(t, s, "another", 0, nil)
	}},
	{"PG6 replaces the one before in the same step", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session("before"), ""))
		must(t, s.CreateSession(t.Context(), session("after"), "before"))
		wantSession(t, s, "before", 0, store.ErrNotFound)
		wantSession(t, s, "after", 0, nil)

		// A step that fails ends nothing.
		wantError(t, s.CreateSession(t.Context(), session("after"), "after2"), store.ErrExists)
		must(t, s.CreateSession(t.Context(), session("third"), ""))
		wantError(t, s.CreateSession(t.Context(), session("after"), "third"), store.ErrExists)
		wantSession(t, s, "third", 0, nil)
	}},
	{"AS57 realms do not see each other's", func(t *testing.T, s store.Store) {
		must(t, s.CreateSession(t.Context(), session(sessionDigest), ""))
		theirs := session("theirs")
		theirs.Realm = otherRealm
		must(t, s.CreateSession(t.Context(), theirs, sessionDigest))

		_, err := s.Session(t.Context(), otherRealm, sessionDigest, start)
		wantError(t, err, store.ErrNotFound)
		wantError(t, s.TouchSession(t.Context(), otherRealm, sessionDigest, at(500), start), store.ErrNotFound)
		must(t, s.EndSession(t.Context(), otherRealm, sessionDigest))
		wantEqual(t, got(s.Session(t.Context(), realm, sessionDigest, start))(t), session(sessionDigest))
	}},
}

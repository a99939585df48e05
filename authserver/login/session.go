package login

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// cookieBytes of randomness name a session to the one who holds it (PG6).
	cookieBytes = 32
	// touchEvery is how often the idle expiry of a session is written at most;
	// a short idle time is written ten times in its span.
	touchEvery = time.Minute
)

var cookieChars = base64.RawURLEncoding.EncodedLen(cookieBytes)

// Sessions starts and finds sign-in sessions of one realm.
type Sessions struct {
	store  store.Store
	realm  string
	policy SessionPolicy
}

// SessionPolicy bounds sessions.
type SessionPolicy struct {
	// Lifetime ends a session however much it is used, Idle ends one that is not
	// used (PG7). Without Idle the lifetime alone ends it.
	Lifetime, Idle time.Duration
}

// NewSessions makes the Sessions of a realm.
func NewSessions(st store.Store, realm string, policy SessionPolicy) *Sessions {
	return &Sessions{store: st, realm: realm, policy: policy}
}

// SignedIn is somebody who has just signed in, and how.
type SignedIn struct {
	Account store.Account
	Subject string
	ACR     string
	AMR     []string
	// Device is the browser and system in a few words, "" when it is not known.
	Device string
}

// Start makes a session for whoever just signed in, and ends the one whose cookie
// was shown before, so that what is secret of it rotates at sign-in (PG6). The
// public name goes on for the same person.
func (s *Sessions) Start(ctx context.Context, kind store.SessionKind, who SignedIn, previous oauth.Secret, now time.Time) (cookie oauth.Secret, session store.Session, err error) {
	// The store keeps whole seconds: what we return is what it will find.
	now = now.Truncate(time.Second)
	var random [cookieBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	cookie = oauth.NewSecret(base64.RawURLEncoding.EncodeToString(random[:]))
	session = store.Session{
		Digest:   sessionDigest(cookie),
		ID:       rand.Text(),
		Realm:    s.realm,
		Kind:     kind,
		Account:  who.Account,
		Subject:  who.Subject,
		AuthTime: now,
		ACR:      who.ACR,
		AMR:      who.AMR,
		Source:   Source(ctx),
		Device:   who.Device,
		Created:  now,
		Expires:  now.Add(s.policy.Lifetime),
	}
	session.IdleExpires = s.idleExpiry(session.Expires, now)
	replaces := ""
	if !previous.Empty() {
		replaces = sessionDigest(previous)
		if err := s.goOn(ctx, &session, previous, now); err != nil {
			return oauth.Secret{}, store.Session{}, err
		}
	}
	if err := s.store.CreateSession(ctx, session, replaces); err != nil {
		return oauth.Secret{}, store.Session{}, err
	}
	return cookie, session, nil
}

// goOn keeps the public name of the session before (sid) when the same person has
// signed in again: clients that know it hear of the sign-out under that name.
// Somebody else's session is over, with all that came of it.
func (s *Sessions) goOn(ctx context.Context, session *store.Session, previous oauth.Secret, now time.Time) error {
	before, err := s.Known(ctx, previous, now)
	switch {
	case err != nil || before.ID == "" || before.Kind != session.Kind:
		return err
	case before.Account == session.Account && before.Subject == session.Subject:
		session.ID = before.ID
		return nil
	}
	_, err = s.store.RevokeAll(ctx, store.Reach{Realm: s.realm, SessionID: before.ID}, now)
	return err
}

// Find reads the live session of a cookie value; store.ErrNotFound when there
// is none of this kind. It moves the idle expiry now and then.
func (s *Sessions) Find(ctx context.Context, kind store.SessionKind, cookie oauth.Secret, now time.Time) (store.Session, error) {
	if len(cookie.Reveal()) != cookieChars {
		return store.Session{}, store.ErrNotFound
	}
	session, err := s.store.Session(ctx, s.realm, sessionDigest(cookie), now)
	if err != nil {
		return store.Session{}, err
	}
	// The session has the lifetime of the day it was made; a shorter one holds too.
	tooOld := s.policy.Lifetime > 0 && !now.Before(session.Created.Add(s.policy.Lifetime))
	if session.Kind != kind || session.Realm != s.realm || tooOld || !alive(session, now) {
		return store.Session{}, store.ErrNotFound
	}
	next := s.idleExpiry(session.Expires, now)
	if gain := next.Sub(session.IdleExpires); gain <= 0 || gain < min(touchEvery, s.policy.Idle/10) {
		return session, nil
	}
	if err := s.store.TouchSession(ctx, s.realm, session.Digest, next, now); err != nil {
		return store.Session{}, err
	}
	session.IdleExpires = next
	return session, nil
}

// Known reads the live session of a cookie that is about to be replaced, whatever
// its kind; it has no ID when there is none. It moves nothing.
func (s *Sessions) Known(ctx context.Context, cookie oauth.Secret, now time.Time) (store.Session, error) {
	if len(cookie.Reveal()) != cookieChars {
		return store.Session{}, nil
	}
	session, err := s.store.Session(ctx, s.realm, sessionDigest(cookie), now)
	if errors.Is(err, store.ErrNotFound) {
		return store.Session{}, nil
	}
	return session, err
}

// idleExpiry is when a session that is used now ends if it is not used again.
func (s *Sessions) idleExpiry(expires, now time.Time) time.Time {
	if idle := now.Add(s.policy.Idle); s.policy.Idle > 0 && idle.Before(expires) {
		return idle.Truncate(time.Second)
	}
	return expires
}

// alive judges the ends of a session once more than the store does.
func alive(session store.Session, now time.Time) bool {
	return now.Before(session.Expires) && now.Before(session.IdleExpires)
}

// sessionDigest is what the store knows of a cookie.
func sessionDigest(cookie oauth.Secret) string {
	digest := cookie.Digest()
	return hex.EncodeToString(digest[:])
}

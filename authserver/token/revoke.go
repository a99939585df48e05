package token

import (
	"context"
	"math"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RevokeToken ends one access token: in the store, then here at once. expires
// is the token's own.
func (r *Revocations) RevokeToken(ctx context.Context, realm, tokenID string, expires, now time.Time) error {
	if err := r.store.RevokeToken(ctx, realm, tokenID, expires, now); err != nil {
		return err
	}
	r.add(revoked{realm, store.RevokedToken, tokenID, ""}, revocation{math.MaxInt64, expires.Unix()}, false)
	return nil
}

// RevokeGrant ends a grant with all its tokens: in the store, then here at
// once. After a step of the store that has revoked a grant itself (ErrReplayed)
// it makes that known here; repeating it is harmless.
func (r *Revocations) RevokeGrant(ctx context.Context, realm, grantID string, now time.Time) error {
	if err := r.store.RevokeGrant(ctx, realm, grantID, now); err != nil {
		return err
	}
	r.add(revoked{realm, store.RevokedGrant, grantID, ""}, revocation{math.MaxInt64, now.Add(unlogged).Unix()}, false)
	return nil
}

// RevokeSubject ends all that rests on a sign-in of a subject up to now, its
// sessions included: in the store, then here at once.
func (r *Revocations) RevokeSubject(ctx context.Context, realm, subject string, now time.Time) (store.Ended, error) {
	return r.RevokeAll(ctx, store.Reach{Realm: realm, Subject: subject}, now)
}

// RevokeClient ends all that a client was given up to now.
func (r *Revocations) RevokeClient(ctx context.Context, realm, clientID string, now time.Time) (store.Ended, error) {
	return r.RevokeAll(ctx, store.Reach{Realm: realm, ClientID: clientID}, now)
}

// RevokeSession ends a session, by its sid, and all that came of it.
func (r *Revocations) RevokeSession(ctx context.Context, realm, sessionID string, now time.Time) (store.Ended, error) {
	return r.RevokeAll(ctx, store.Reach{Realm: realm, SessionID: sessionID}, now)
}

// RevokeAll ends all of a reach. After a step of the store that has revoked it
// already, such as the deletion of a client, it makes that known here; repeating
// it is harmless, and spares what began after now.
func (r *Revocations) RevokeAll(ctx context.Context, reach store.Reach, now time.Time) (store.Ended, error) {
	ended, err := r.store.RevokeAll(ctx, reach, now)
	if err != nil {
		return ended, err
	}
	entry := reach.Revocation(now)
	r.add(keyOf(&entry), said(&entry), true)
	// What the store has logged besides is known from its log; if that cannot be
	// read now, it is a moment later.
	_ = r.Refresh(ctx, now)
	return ended, nil
}

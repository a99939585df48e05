package realm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Password is what a person signs in with from now on: as it is, or what was made
// of it elsewhere.
type Password struct {
	Plain oauth.Secret
	Hash  store.SecretDigest
}

// digest is what is stored of a password. A *login.WeakPassword when the policy
// refuses it.
func (a Accounts) digest(ctx context.Context, username string, p Password) (store.SecretDigest, error) {
	if p.Hash != "" {
		// Of one kind are all, so that no answer takes another time (AS62).
		if kind, err := a.realm.hasher.Check(p.Hash); err != nil || kind != hashing.Argon2id {
			return "", fmt.Errorf("%w has a password hash that is no argon2id hash: make one with caddy hash-password --algorithm argon2id", ErrBadAccount)
		}
		return p.Hash, nil
	}
	if err := a.keeper.CheckPassword(username, p.Plain); err != nil {
		return "", err
	}
	return a.realm.hasher.Hash(ctx, p.Plain)
}

// ErrNoPasswordChange is a service whose passwords are changed elsewhere.
var ErrNoPasswordChange = errors.New("the authentication service does not change passwords")

// ChangePassword gives somebody who is signed in another password. All that rests
// on a sign-in up to until ends with it, the session at hand too: one that goes on
// has to be begun anew, in a later second. *login.WeakPassword, login.ErrNoAccount
// and ErrNoPasswordChange are refusals.
func (r *Realm) ChangePassword(ctx context.Context, account store.Account, password oauth.Secret) (until time.Time, err error) {
	changer, ok := r.Services[account.Service].(login.PasswordChanger)
	if !ok {
		return until, ErrNoPasswordChange
	}
	subject, ok := r.Subject(account)
	if !ok {
		return until, login.ErrNoAccount
	}
	now := r.Now().UTC().Truncate(time.Second)
	if err := changer.ChangePassword(ctx, account.ID, subject, password, now); err != nil {
		return until, err
	}
	until = r.ended(ctx, subject, now)
	r.Tell(ctx, audit.Record{Event: audit.PasswordChanged, Actor: audit.ByUser, Subject: subject})
	return until, nil
}

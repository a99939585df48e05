package realm

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Create stores a new account. Without an ID it gets a random one; without a
// password nobody can sign in with one. ErrBadAccount, a *login.WeakPassword, and
// ErrSubjectTaken when a client has its subject, store.ErrExists when another
// account has its id or username.
func (a Accounts) Create(ctx context.Context, account store.StoredAccount, password *Password) (store.StoredAccount, error) {
	if account.ID == "" {
		account.ID = strings.ToLower(rand.Text())
	}
	if err := a.check(&account); err != nil {
		return account, err
	}
	if _, free := a.realm.Subject(account.Account); !free {
		return account, ErrSubjectTaken
	}
	now := a.now()
	account.Created, account.Updated = now, now
	var err error
	if password != nil {
		if account.Password, err = a.digest(ctx, account.Username, *password); err != nil {
			return account, err
		}
		account.PasswordChanged = now
	}
	if account.Version, err = a.realm.Store.CreateAccount(ctx, account); err != nil {
		return account, err
	}
	a.tell(ctx, audit.UserCreated, account.Account)
	return account, nil
}

// Replace puts username, claims and Disabled in the place of those of the account
// that has account.Version, or of any when that is 0. until is when what rests on
// an earlier sign-in began at the latest, if it has ended: zero if not.
func (a Accounts) Replace(ctx context.Context, account store.StoredAccount) (after store.StoredAccount, until time.Time, err error) {
	if err := a.check(&account); err != nil {
		return account, until, err
	}
	before, err := a.realm.Store.StoredAccount(ctx, account.Realm, account.Account)
	if err != nil {
		return account, until, err
	}
	if account.Version != 0 && account.Version != before.Version {
		return account, until, store.ErrConflict
	}
	account.Version = before.Version // what was compared is what is replaced
	event, subject := audit.UserChanged, ""
	switch {
	case account.Disabled && !before.Disabled:
		event, subject = audit.UserDisabled, a.subject(account.Account)
	case !account.Disabled && before.Disabled:
		event = audit.UserEnabled
	}
	account.Updated = a.now()
	if _, err = a.realm.Store.ReplaceAccount(ctx, account, subject, account.Updated); err != nil {
		return account, until, err
	}
	until = a.realm.ended(ctx, subject, account.Updated)
	a.tell(ctx, event, account.Account)
	after, err = a.Get(ctx, account.ID)
	return after, until, err
}

// SetPassword gives an account another password. All that rests on a sign-in up to
// until ends with it.
func (a Accounts) SetPassword(ctx context.Context, id string, password Password) (until time.Time, err error) {
	account, err := a.Get(ctx, id)
	if err != nil {
		return until, err
	}
	digest, err := a.digest(ctx, account.Username, password)
	if err != nil {
		return until, err
	}
	now, subject := a.now(), a.subject(account.Account)
	if err := a.realm.Store.SetAccountPassword(ctx, account.Realm, account.Account, digest, subject, now); err != nil {
		return until, err
	}
	until = a.realm.ended(ctx, subject, now)
	a.tell(ctx, audit.PasswordChanged, account.Account)
	return until, nil
}

// Delete removes the account that has version, or any when that is 0, and with it
// what it had: an account that later takes its id has none of it.
func (a Accounts) Delete(ctx context.Context, id string, version int64) (until time.Time, err error) {
	account := store.Account{Service: a.Service, ID: id}
	now, subject := a.now(), a.subject(account)
	if err := a.realm.Store.DeleteAccount(ctx, a.realm.Name, account, version, subject, now); err != nil {
		return until, err
	}
	until = a.realm.ended(ctx, subject, now)
	a.tell(ctx, audit.UserDeleted, account)
	return until, nil
}

// ended makes known here what a step of the store has ended. It is done without:
// the log tells it, and the upkeep ends the rest.
func (r *Realm) ended(ctx context.Context, subject string, now time.Time) (until time.Time) {
	if subject == "" {
		return time.Time{}
	}
	_, _ = r.Revocations.RevokeSubject(ctx, r.Name, subject, now)
	return now
}

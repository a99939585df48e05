package store

import (
	"context"
	"time"
)

// StoredAccount is a person whom a service of the server's own knows, as it lies
// in the store.
type StoredAccount struct {
	Realm string
	// Account is never another one.
	Account
	// Username is what the person signs in with. It may change.
	Username string
	// Password is a slow hash, "" for nobody's password.
	Password SecretDigest
	Disabled bool
	// Claims is a JSON object.
	Claims string
	// Version is another one after each replacement.
	Version int64
	Created time.Time
	// Updated is when the account was last replaced.
	Updated time.Time
	// PasswordChanged is when Password was set; zero means never.
	PasswordChanged time.Time
}

// Accounts are the steps of the accounts that live in the store. Where a step is
// told a subject, all that rests on a sign-in of that subject up to now ends in
// the same step, as RevokeAll ends it; "" is nobody's. RevokeAll and the upkeep
// then do the rest.
type Accounts interface {
	// CreateAccount stores a new account and gives its version. ErrExists when its
	// service has its id or its username in the realm.
	CreateAccount(ctx context.Context, account StoredAccount) (version int64, err error)
	// ReplaceAccount puts username, claims and Disabled in the place of those of the
	// account that has account.Version, or of any when that is 0, and gives the new
	// version. ErrConflict when the version is another, ErrNotFound when there is no
	// such account, ErrExists when another has the username.
	ReplaceAccount(ctx context.Context, account StoredAccount, subject string, now time.Time) (version int64, err error)
	// SetAccountPassword gives an account another password. The version stays.
	// ErrNotFound when there is no such account.
	SetAccountPassword(ctx context.Context, realm string, account Account, password SecretDigest, subject string, now time.Time) error
	// DeleteAccount removes the account that has this version, or any when it is 0,
	// with its credentials and with what the subject has agreed to: an account that
	// later takes its id has none of them. ErrConflict and ErrNotFound as above.
	DeleteAccount(ctx context.Context, realm string, account Account, version int64, subject string, now time.Time) error

	// StoredAccount reads an account. ErrNotFound when there is none.
	StoredAccount(ctx context.Context, realm string, account Account) (StoredAccount, error)
	// AccountByUsername reads the account that signs in with a username, compared
	// byte for byte. ErrNotFound when there is none.
	AccountByUsername(ctx context.Context, realm, service, username string) (StoredAccount, error)
	// StoredAccounts lists up to limit accounts of a service by username, in the
	// order of its bytes: those whose username begins with prefix and comes after
	// one.
	StoredAccounts(ctx context.Context, realm, service, prefix, after string, limit int) ([]StoredAccount, error)
}

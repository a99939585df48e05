package store

import (
	"context"
	"time"
)

// SeenAccounts are the steps for accounts that are kept somewhere else, at another
// OpenID provider: all that is here is what it said when they last signed in.
type SeenAccounts interface {
	// RememberAccount keeps what an account was like when it signed in, in the
	// place of what was known before. ErrNotFound when an operator has disabled it
	// here: then nothing changes.
	RememberAccount(ctx context.Context, seen SeenAccount) error
	// SeenAccount gives what RememberAccount kept. ErrNotFound when there is
	// nothing, or an operator has disabled the account.
	SeenAccount(ctx context.Context, realm string, account Account) (SeenAccount, error)
}

// SeenAccount is an account as it was when it last signed in.
type SeenAccount struct {
	Realm   string
	Account Account
	// Claims are what was said of it; numbers in them are json.Number when they are
	// read.
	Claims map[string]any
	Seen   time.Time
	// PurgeAt is when nothing needs it any more, unless it signs in again or is
	// disabled.
	PurgeAt time.Time
}

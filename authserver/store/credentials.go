package store

import (
	"context"
	"errors"
	"time"
)

// CredentialKind is what a credential is.
type CredentialKind int

// The kinds of credentials.
const (
	// CredentialTOTP is the secret of an app; an account has one at most.
	CredentialTOTP CredentialKind = 1
	// CredentialRecovery is a recovery code: its id is a digest of it.
	CredentialRecovery CredentialKind = 2
	// CredentialPasskey is a passkey. Its id is of one account in the realm.
	CredentialPasskey CredentialKind = 3
)

// MaxCredentials is how many apps and passkeys an account can have.
const MaxCredentials = 20

// ErrTooManyCredentials is an account that has MaxCredentials.
var ErrTooManyCredentials = errors.New("the account has as many credentials as it may have")

// Credential is what somebody signs in with besides a password.
type Credential struct {
	Realm   string
	Account Account
	Kind    CredentialKind
	// ID names it among those of its kind and account.
	ID string
	// Label is what its owner calls it.
	Label string
	// Data is what it is checked with; the store does not look into it.
	Data string
	// Counter only ever grows: the time step of the last code, the signature counter
	// of a passkey.
	Counter           int64
	Created, LastUsed time.Time
}

// Credentials are the credentials of accounts.
type Credentials interface {
	// AddCredential stores a credential. An app takes the place of the one that the
	// account has, whose counter it does not set back. ErrExists for a passkey whose
	// id is taken in the realm, ErrTooManyCredentials when there is no room.
	AddCredential(ctx context.Context, credential Credential) error
	// Credentials are those of an account, oldest first.
	Credentials(ctx context.Context, realm string, account Account) ([]Credential, error)
	// Passkey reads the passkey of an id. ErrNotFound when there is none.
	Passkey(ctx context.Context, realm, id string) (Credential, error)
	// UseCredential notes the use of a credential as it was read: what it is checked
	// with from now on, its counter and when. ErrNotFound when it is not there, is
	// checked with something else by now, or its counter is not below the given one:
	// of racing calls with one counter one succeeds. A passkey that does not count (0)
	// may go on not to.
	UseCredential(ctx context.Context, read Credential, data string, counter int64, now time.Time) error
	// RenameCredential gives an app or passkey another label. ErrNotFound when it is
	// not there.
	RenameCredential(ctx context.Context, realm string, account Account, id, label string) error
	// RemoveCredential removes an app or passkey, and with the last of them the
	// recovery codes. ErrNotFound when it is not there.
	RemoveCredential(ctx context.Context, realm string, account Account, id string) error
	// RemoveCredentials removes all of an account, recovery codes too, and says how
	// many there were.
	RemoveCredentials(ctx context.Context, realm string, account Account) (removed int, err error)
	// ReplaceRecovery stores recovery codes in place of those that the account has.
	ReplaceRecovery(ctx context.Context, realm string, account Account, ids []string, now time.Time) error
	// UseRecovery uses up the recovery code that one of ids names, and says how many
	// are left. ErrNotFound when there is none of them.
	UseRecovery(ctx context.Context, realm string, account Account, ids []string) (left int, err error)
}

package factor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Any error but these is a store or a key that cannot answer now.
var (
	// ErrWrongCode is a code that is wrong, expired or used already.
	ErrWrongCode = errors.New("wrong code")
	// ErrPasskey is what a browser sent of a passkey that signs nobody in, or cannot
	// be added. What it wraps says why, for logs.
	ErrPasskey = errors.New("not a passkey that is good here")
	// ErrStale is an ErrPasskey that comes too late, twice or from another browser:
	// the page is to be shown again.
	ErrStale = fmt.Errorf("%w: its challenge is over", ErrPasskey)
	// ErrCloned is an ErrPasskey whose counter went back: there may be two of it. The
	// audit log is told.
	ErrCloned = fmt.Errorf("%w: its counter went back", ErrPasskey)
	// ErrExists is a passkey that an account of the realm has already.
	ErrExists = errors.New("the passkey is in use already")
	// ErrTooMany is an account that has store.MaxCredentials.
	ErrTooMany = errors.New("the account has as many factors as it may have")
	// ErrNotFound is a factor that the account does not have.
	ErrNotFound = errors.New("no such factor")
)

// Parts is what Factors are made of.
type Parts struct {
	Store store.Store
	Keys  *keys.Ring
	// Realm is whose accounts these are.
	Realm string
	// Issuer is the realm's: passkeys are for its origin.
	Issuer string
	// RPID is the domain that passkeys are for, "" for the issuer's host. CheckRPID
	// has passed it.
	RPID string
	// Name is what apps and browsers call us, "" for the issuer's host.
	Name string
	Now  func() time.Time
	// Tell is told of what was done, once it is committed; nil for nobody.
	Tell func(ctx context.Context, account store.Account, event audit.Event, details ...audit.Detail)
}

// Factors are the second factors and passkeys of the accounts of one realm. It is
// safe for concurrent use.
type Factors struct {
	parts  Parts
	rpID   string
	origin string
}

// New makes the Factors of a realm.
func New(parts Parts) *Factors { panic("to come") }

// Credential is a factor as people and operators see it.
type Credential struct {
	// ID names it among those of its account.
	ID string
	// Kind is TOTP or Passkey.
	Kind            string
	Label           string
	Added, LastUsed time.Time
	// Synced says that copies of a passkey may be on several devices.
	Synced bool
}

// The kinds of a Credential.
const (
	TOTP    = "totp"
	Passkey = "passkey"
)

// Enrolled is what an account has.
type Enrolled struct {
	// TOTP says that there is an app that makes codes; App is it.
	TOTP bool
	App  Credential
	// Passkeys are oldest first.
	Passkeys []Credential
	// RecoveryLeft counts the recovery codes that have not been used.
	RecoveryLeft int
}

// Any says whether the account has a second factor. Recovery codes alone are none.
func (e Enrolled) Any() bool { return e.TOTP || len(e.Passkeys) > 0 }

// All are the app and the passkeys, for lists.
func (e Enrolled) All() []Credential {
	if !e.TOTP {
		return e.Passkeys
	}
	return append([]Credential{e.App}, e.Passkeys...)
}

// Of is what an account has.
func (f *Factors) Of(ctx context.Context, account store.Account) (Enrolled, error) {
	panic("to come")
}

// Rename gives a factor another label, cut to 64 characters. ErrNotFound when the
// account has none of this id.
func (f *Factors) Rename(ctx context.Context, account store.Account, id, label string) error {
	panic("to come")
}

// Remove takes a factor from an account, and with its last one its recovery codes.
// ErrNotFound when the account has none of this id.
func (f *Factors) Remove(ctx context.Context, account store.Account, id string) error {
	panic("to come")
}

// RemoveAll takes all factors and recovery codes from an account.
func (f *Factors) RemoveAll(ctx context.Context, account store.Account) error {
	panic("to come")
}

package factor

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Web Authentication Level 3

// Ask is what a passkey is asked for. The one that a response is verified with has
// to be equal to the one that its options were made of.
type Ask struct {
	// Account is whose passkey it has to be. The zero value is whoever it belongs
	// to: a sign-in without a username, for which the user is always verified.
	Account store.Account
	// Verified asks the device to verify the user (a PIN, a finger). Else it may.
	Verified bool
	// Binding is something of this browser alone, such as its cookie for forms: a
	// response from another one is not taken. It is never "".
	Binding string
}

// Used is a passkey that was used.
type Used struct {
	Account    store.Account
	Credential Credential
	// UserVerified says that the device verified the user.
	UserVerified bool
	// AMR are the methods for login.LevelOf.
	AMR []string
}

// HasPasskeys says whether browsers can use passkeys with the realm's issuer: they
// want https or localhost, and a name rather than an address.
func (f *Factors) HasPasskeys() bool { panic("to come") }

// PasskeyRequest makes the options for navigator.credentials.get as JSON, for the
// attribute data-passkey-get. ErrNotFound when the account that is asked for has
// no passkey. With the zero Account nothing is read.
func (f *Factors) PasskeyRequest(ctx context.Context, ask Ask) (options string, err error) {
	panic("to come")
}

// VerifyPasskey checks what the browser made of PasskeyRequest, once. ErrPasskey
// when it is not good; it may be an ErrStale or ErrCloned. The account of the zero
// Ask is known by its id alone: callers ask its service whether it may sign in.
func (f *Factors) VerifyPasskey(ctx context.Context, ask Ask, response string) (Used, error) {
	panic("to come")
}

// PasskeyCreation makes the options for navigator.credentials.create as JSON, for
// the attribute data-passkey-create. The user is called username and display on
// the device ("" for username again). ErrTooMany when there is no room.
func (f *Factors) PasskeyCreation(ctx context.Context, account store.Account, username, display, binding string) (options string, err error) {
	panic("to come")
}

// AddPasskey gives an account the passkey that the browser made of PasskeyCreation
// with the same binding, once. ErrPasskey when it is not good, ErrExists and
// ErrTooMany.
func (f *Factors) AddPasskey(ctx context.Context, account store.Account, label, response, binding string) (Credential, error) {
	panic("to come")
}

// CheckRPID says whether passkeys of an issuer can be for a domain: its host or one
// that it is below.
func CheckRPID(issuer, rpID string) error { panic("to come") }

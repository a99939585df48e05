package factor

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6238, and the key URI format that apps read from QR codes

// NewTOTP is a secret that is to be confirmed. Nothing of it is kept: it travels
// sealed with the page.
type NewTOTP struct {
	// Secret is the secret in base32, as ConfirmTOTP takes it.
	Secret oauth.Secret
	// URI is the otpauth:// address for the QR code. It holds the secret.
	URI oauth.Secret
}

// Groups is the secret in groups of four, for typing.
func (n NewTOTP) Groups() string { panic("to come") }

// NewTOTP makes a secret for the app of a user, who is named so in it.
func (f *Factors) NewTOTP(username string) NewTOTP { panic("to come") }

// TOTPOf is NewTOTP for a secret that was made before, to show the page again.
func (f *Factors) TOTPOf(username string, secret oauth.Secret) NewTOTP { panic("to come") }

// ConfirmTOTP gives an account the app whose secret it is, in place of one that it
// has, once the app has shown a right code. ErrWrongCode when it has not,
// ErrTooMany when there is no room. The code is used with it.
func (f *Factors) ConfirmTOTP(ctx context.Context, account store.Account, secret oauth.Secret, code, label string) error {
	panic("to come")
}

// VerifyTOTP checks a code of the account's app, and uses it up. ErrWrongCode for
// any that is not good, and for an account without an app. Callers count failures.
func (f *Factors) VerifyTOTP(ctx context.Context, account store.Account, code string) error {
	panic("to come")
}

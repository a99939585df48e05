package factor

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// NewRecoveryCodes makes ten recovery codes for an account, in place of those that
// it has. They are shown once: only digests are kept.
func (f *Factors) NewRecoveryCodes(ctx context.Context, account store.Account) ([]string, error) {
	panic("to come")
}

// UseRecoveryCode uses up a recovery code of an account and says how many are left.
// Case, blanks and dashes do not matter. ErrWrongCode when it is none. Callers count
// failures.
func (f *Factors) UseRecoveryCode(ctx context.Context, account store.Account, code string) (left int, err error) {
	panic("to come")
}

package signin

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Factors are the second factors and passkeys of a realm: *factor.Factors, whose
// methods say what they do.
type Factors interface {
	Of(ctx context.Context, account store.Account) (factor.Enrolled, error)

	NewTOTP(username string) factor.NewTOTP
	TOTPOf(username string, secret oauth.Secret) factor.NewTOTP
	ConfirmTOTP(ctx context.Context, account store.Account, secret oauth.Secret, code, label string) error
	VerifyTOTP(ctx context.Context, account store.Account, code string) error

	NewRecoveryCodes(ctx context.Context, account store.Account) ([]string, error)
	UseRecoveryCode(ctx context.Context, account store.Account, code string) (left int, err error)

	HasPasskeys() bool
	PasskeyRequest(ctx context.Context, ask factor.Ask) (options string, err error)
	VerifyPasskey(ctx context.Context, ask factor.Ask, response string) (factor.Used, error)
	PasskeyCreation(ctx context.Context, account store.Account, username, display, binding string) (options string, err error)
	AddPasskey(ctx context.Context, account store.Account, label, response, binding string) (factor.Credential, error)
}

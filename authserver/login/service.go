package login

import (
	"context"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// ErrCredentials is a username and password that do not sign anyone in:
// unknown, wrong and disabled alike.
var ErrCredentials = errors.New("wrong username or password")

// Refused is ErrCredentials for an account that there is, for the audit log: who
// signs in is told nothing of it.
type Refused struct {
	Account store.Account
	// Reason is WrongPassword or Disabled.
	Reason string
}

// Why an account cannot sign in, and what is told of a name that has none.
const (
	WrongPassword = "wrong_password"
	Disabled      = "disabled"
	UnknownUser   = "unknown_user"
)

// Error implements error.
func (r *Refused) Error() string { return ErrCredentials.Error() }

// Unwrap makes it ErrCredentials.
func (r *Refused) Unwrap() error { return ErrCredentials }

// ErrNoAccount is an account that does not exist any more or is disabled.
var ErrNoAccount = errors.New("no such account, or it is disabled")

const (
	// ACRPassword is the acr of a sign-in with a password alone.
	ACRPassword = "urn:caddy-oauth2:acr:password"
	// AMRPassword is its amr (RFC 8176).
	AMRPassword = "pwd"
)

// Account is a person as an authentication service knows it.
type Account struct {
	store.Account
	Username string
	// Claims are OpenID Connect standard claims (Core §5.1) and any others.
	Claims map[string]any
}

// Service is an authentication service: it says who a username and a password
// belong to. Any error but ErrCredentials and ErrNoAccount is a service that
// cannot answer now.
type Service interface {
	// Authenticate checks a username and a password. ErrCredentials may be a
	// *Refused.
	Authenticate(ctx context.Context, username string, password oauth.Secret) (Account, error)
	// Account is what an account is like now.
	Account(ctx context.Context, id string) (Account, error)
}

package login

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Keeper is a Service whose accounts lie in the store of its realm, where they are
// created and changed while the server runs.
type Keeper interface {
	PasswordChanger
	Roll
	// CheckPassword says whether an account of this username may choose a password;
	// a *WeakPassword if not.
	CheckPassword(username string, password oauth.Secret) error
}

// keeper is the service store. One that is not bound to a realm knows nobody.
type keeper struct {
	policy PasswordPolicy
	name   string
	to     Binding
}

// NewKeeper makes the service whose accounts lie in the store. With policy.Least 0
// a password has LeastPasswordAlone characters at least, or LeastPassword where the
// realm demands a second factor.
func NewKeeper(policy PasswordPolicy) Keeper { return &keeper{policy: policy} }

// Bind implements Bound.
func (k *keeper) Bind(name string, to Binding) Service {
	bound := &keeper{policy: k.policy, name: name, to: to}
	if bound.policy.Least == 0 {
		bound.policy.Least = LeastPasswordAlone
		if to.SecondFactor {
			bound.policy.Least = LeastPassword
		}
	}
	return bound
}

var errUnbound = errors.New("the authentication service is not bound to a realm")

// Authenticate checks a username and a password. Unknown usernames, wrong
// passwords and disabled users make the same calls of the hasher (AS62).
func (k *keeper) Authenticate(ctx context.Context, username string, password oauth.Secret) (Account, error) {
	if k.to.Store == nil {
		return Account{}, errUnbound
	}
	row, err := k.to.Store.AccountByUsername(ctx, k.to.Realm, k.name, username)
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return Account{}, err
	}
	digest := row.Password
	if digest == "" {
		digest = hashing.Standard()
	}
	right, err := k.to.Hasher.Verify(ctx, digest, password)
	switch {
	case err != nil:
		return Account{}, err
	case unknown:
		return Account{}, ErrCredentials
	case !right:
		return Account{}, &Refused{row.Account, WrongPassword}
	}
	return k.still(ctx, row)
}

// still gives an account whose password was right. The hash took its time: an
// account that was changed meanwhile signs in by what it is now (AS41).
func (k *keeper) still(ctx context.Context, verified store.StoredAccount) (Account, error) {
	row, err := k.to.Store.StoredAccount(ctx, k.to.Realm, verified.Account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Account{}, ErrCredentials
	case err != nil:
		return Account{}, err
	case row.Password != verified.Password || row.Username != verified.Username:
		return Account{}, &Refused{row.Account, WrongPassword}
	case row.Disabled:
		return Account{}, &Refused{row.Account, Disabled}
	}
	return accountOf(row)
}

// Account is what an account is like now.
func (k *keeper) Account(ctx context.Context, id string) (Account, error) {
	row, err := k.read(ctx, id)
	if err != nil {
		return Account{}, err
	}
	if row.Disabled {
		return Account{}, ErrNoAccount
	}
	return accountOf(row)
}

// Named implements Roll.
func (k *keeper) Named(ctx context.Context, username string) (string, error) {
	if k.to.Store == nil {
		return "", errUnbound
	}
	row, err := k.to.Store.AccountByUsername(ctx, k.to.Realm, k.name, username)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoAccount
	}
	return row.ID, err
}

// Has implements Roll.
func (k *keeper) Has(ctx context.Context, id string) (bool, error) {
	_, err := k.read(ctx, id)
	if errors.Is(err, ErrNoAccount) {
		return false, nil
	}
	return err == nil, err
}

func (k *keeper) read(ctx context.Context, id string) (store.StoredAccount, error) {
	if k.to.Store == nil {
		return store.StoredAccount{}, errUnbound
	}
	row, err := k.to.Store.StoredAccount(ctx, k.to.Realm, store.Account{Service: k.name, ID: id})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoAccount
	}
	return row, err
}

func accountOf(row store.StoredAccount) (Account, error) {
	claims, err := ReadClaims([]byte(row.Claims))
	if err != nil {
		return Account{}, fmt.Errorf("the account %q of service %s cannot be read: %w", row.ID, row.Service, err)
	}
	nameToShow(claims, row.Username)
	return Account{Account: row.Account, Username: row.Username, Claims: claims}, nil
}

// CheckPassword implements Keeper.
func (k *keeper) CheckPassword(username string, password oauth.Secret) error {
	names := []string{username, k.to.Realm}
	if issuer, err := url.Parse(k.to.Issuer); err == nil {
		names = append(names, issuer.Hostname())
	}
	return k.policy.Check(password, names...)
}

// LeastPassword implements PasswordChanger.
func (k *keeper) LeastPassword() int { return k.policy.Least }

// ChangePassword implements PasswordChanger.
func (k *keeper) ChangePassword(ctx context.Context, id, subject string, password oauth.Secret, now time.Time) error {
	row, err := k.read(ctx, id)
	if err != nil {
		return err
	}
	if err := k.CheckPassword(row.Username, password); err != nil {
		return err
	}
	digest, err := k.to.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = k.to.Store.SetAccountPassword(ctx, k.to.Realm, row.Account, digest, subject, now)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoAccount
	}
	return err
}

// Interface guards
var (
	_ Bound  = (*keeper)(nil)
	_ Keeper = (*keeper)(nil)
)

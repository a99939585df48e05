package realm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Accounts are those that one service of a realm keeps in the store. What an
// operator changes is told here, once, and holds here at once and on every node
// within a second.
type Accounts struct {
	// Service is its name.
	Service string
	realm   *Realm
	keeper  login.Keeper
}

// ErrNoKeeper is a service that keeps no accounts in the store, or none.
var ErrNoKeeper = errors.New("no such service with accounts in the store")

// Accounts gives those of a service; of the only one that has some when it is "".
func (r *Realm) Accounts(service string) (Accounts, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.Services)) {
		keeper, ok := r.Services[name].(login.Keeper)
		if ok && name == service {
			return Accounts{name, r, keeper}, nil
		}
		if ok {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return Accounts{}, fmt.Errorf("%w: realm %s has no authentication service of the kind store; give it one with: authentication NAME store", ErrNoKeeper, r.Name)
	case service == "" && len(names) == 1:
		return r.Accounts(names[0])
	}
	return Accounts{}, fmt.Errorf("%w: name one of realm %s: %s", ErrNoKeeper, r.Name, strings.Join(names, ", "))
}

// Get reads an account. store.ErrNotFound when there is none.
func (a Accounts) Get(ctx context.Context, id string) (store.StoredAccount, error) {
	return a.realm.Store.StoredAccount(ctx, a.realm.Name, store.Account{Service: a.Service, ID: id})
}

// Named reads the account with a username. store.ErrNotFound when there is none.
func (a Accounts) Named(ctx context.Context, username string) (store.StoredAccount, error) {
	return a.realm.Store.AccountByUsername(ctx, a.realm.Name, a.Service, username)
}

// List reads up to limit accounts by username: those whose username begins with
// prefix and comes after one.
func (a Accounts) List(ctx context.Context, prefix, after string, limit int) ([]store.StoredAccount, error) {
	return a.realm.Store.StoredAccounts(ctx, a.realm.Name, a.Service, prefix, after, limit)
}

// ErrBadAccount is what no account may be; what it wraps says why.
var ErrBadAccount = errors.New("the account")

// check completes what an operator wrote and says whether it can be an account.
func (a Accounts) check(account *store.StoredAccount) error {
	account.Realm, account.Service = a.realm.Name, a.Service
	if err := login.CheckNames(a.Service, account.ID, account.Username); err != nil {
		return fmt.Errorf("%w %w", ErrBadAccount, err)
	}
	claims, err := login.ReadClaims([]byte(account.Claims))
	if err != nil {
		return fmt.Errorf("%w has claims that %w", ErrBadAccount, err)
	}
	if account.Claims, err = login.ClaimsText(claims); err != nil {
		return fmt.Errorf("%w has claims that %w", ErrBadAccount, err)
	}
	return nil
}

// subject is whose sign-ins end with a change of the account. It is named even
// where a client bears it by now, for the account may have had it before.
func (a Accounts) subject(account store.Account) string {
	subject, _ := a.realm.Subject(account)
	return subject
}

func (a Accounts) now() time.Time { return a.realm.Now().UTC().Truncate(time.Second) }

func (a Accounts) tell(ctx context.Context, event audit.Event, account store.Account) {
	a.realm.Tell(ctx, audit.Record{Event: event, Subject: a.subject(account)})
}

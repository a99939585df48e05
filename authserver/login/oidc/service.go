package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// AMRFederated stands in amr for a sign-in at another site.
const AMRFederated = "fed"

// forgetAfter is how much longer than it counts a sign-in is remembered, so that a
// longer recheck finds it.
const forgetAfter = 24 * time.Hour

// errUnbound is a service that no realm has taken yet.
var errUnbound = errors.New("the service is not bound to a realm")

// Service signs people in with one provider, in one realm.
type Service struct {
	settings Settings
	provider *provider
	name     string
	realm    string
	store    store.SeenAccounts
	now      func() time.Time
	log      *slog.Logger
}

// Open makes the service of a provider. It asks the provider nothing.
func Open(settings Settings) (*Service, error) {
	settings, err := settings.complete()
	if err != nil {
		return nil, err
	}
	return &Service{settings: settings, provider: newProvider(settings)}, nil
}

// Bind implements login.Bound. What is known of the provider is shared by all
// realms.
func (s *Service) Bind(name string, to login.Binding) login.Service {
	bound := *s
	bound.name, bound.realm, bound.store, bound.now = name, to.Realm, to.Store, to.Now
	bound.log = to.Log.With("realm", to.Realm, "authentication", name, "issuer", s.settings.Issuer)
	return &bound
}

// Label implements login.Redirects.
func (s *Service) Label() string { return s.settings.Label }

// Account is what the account was like when it last signed in there.
// login.ErrNoAccount when that is longer ago than the settings let it count, or
// when an operator has disabled it here.
func (s *Service) Account(ctx context.Context, id string) (login.Account, error) {
	if s.store == nil {
		return login.Account{}, errUnbound
	}
	seen, err := s.store.SeenAccount(ctx, s.realm, store.Account{Service: s.name, ID: id})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return login.Account{}, login.ErrNoAccount
	case err != nil:
		return login.Account{}, err
	case !s.now().Before(seen.Seen.Add(s.settings.Recheck)):
		return login.Account{}, login.ErrNoAccount
	}
	return s.account(id, username(seen.Claims, id), seen.Claims), nil
}

func (s *Service) account(id, username string, claims map[string]any) login.Account {
	return login.Account{Account: store.Account{Service: s.name, ID: id}, Username: username, Claims: claims}
}

// remember keeps what an account is like now.
func (s *Service) remember(ctx context.Context, p person) error {
	now := s.now()
	err := s.store.RememberAccount(ctx, store.SeenAccount{
		Realm: s.realm, Account: store.Account{Service: s.name, ID: p.id}, Claims: p.claims,
		Seen: now, PurgeAt: now.Add(s.settings.Recheck + forgetAfter),
	})
	if errors.Is(err, store.ErrNotFound) {
		return refused(login.Disabled, "an operator has disabled the account")
	}
	return err
}

// fault is a provider that could not or did not do what it had to: not the user's
// doing.
func (s *Service) fault(err error) error {
	return fmt.Errorf("authentication %s: %w", s.name, err)
}

// Interface guards
var (
	_ login.Redirects = (*Service)(nil)
	_ login.Bound     = (*Service)(nil)
)

package realm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/clientauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// Realm is one issuer, ready to answer. It is immutable but for its Book: a new
// configuration makes a new one over the same store, keys and revocations.
type Realm struct {
	Settings
	Store       store.Store
	Keys        *keys.Ring
	Tokens      *token.Minter
	Revocations *token.Revocations
	Sessions    *login.Sessions
	Attempts    *Attempts
	Factors     *factor.Factors
	ClientAuth  *clientauth.Authenticator
	Observer    Observer
	Audit       audit.Log
	Log         *slog.Logger
	Now         func() time.Time
	// Pages are what people see.
	Pages *pages.Pages

	// Book is what the store says of the realm, and changes.
	Book *Book

	wait    func(context.Context, time.Duration)
	clients *clients
	hasher  *hashing.Hasher
	faults  faultLimit
}

// Parts is what a Realm is made of besides its settings.
type Parts struct {
	Store       store.Store
	Keys        *keys.Ring
	Revocations *token.Revocations
	Hasher      *hashing.Hasher
	Observer    Observer
	Audit       audit.Log
	Log         *slog.Logger
	Now         func() time.Time
	// Wait lets a while pass by the clock of Now; nil waits by the machine's.
	Wait func(context.Context, time.Duration)
	// Book is what the store says of the realm; nil says nothing.
	Book *Book
}

// New binds settings that Check has passed to their parts.
func New(settings Settings, parts Parts) *Realm {
	r := &Realm{
		Settings:    settings,
		Store:       parts.Store,
		Keys:        parts.Keys,
		Tokens:      token.NewMinter(settings.Name, settings.Issuer, parts.Keys),
		Revocations: parts.Revocations,
		Sessions:    login.NewSessions(parts.Store, settings.Name, settings.Session),
		Observer:    parts.Observer,
		Audit:       parts.Audit,
		Log:         parts.Log,
		Now:         parts.Now,
		Book:        parts.Book,
		wait:        parts.Wait,
		hasher:      parts.Hasher,
	}
	if r.Audit == nil {
		r.Audit = audit.Discard{}
	}
	if r.Book == nil {
		r.Book = NewBook(parts.Hasher)
	}
	if r.wait == nil {
		r.wait = wait
	}
	r.Attempts = &Attempts{realm: r}
	// Check has made them, too.
	r.Pages, _ = pages.New(settings.Look, settings.Issuer)
	r.Services = bind(settings.Services, r, parts.Hasher)
	r.Factors = newFactors(r, audit.ByUser)
	r.clients = newClients(r, parts.Hasher)
	r.ClientAuth = clientauth.New(r.clients, parts.Hasher)
	return r
}

// bind makes the services of a realm that need it.
func bind(services map[string]login.Service, r *Realm, hasher *hashing.Hasher) map[string]login.Service {
	bound := maps.Clone(services)
	to := login.Binding{
		Realm: r.Name, Issuer: r.Issuer, SecondFactor: !r.passwordIsEnough(), Store: r.Store, Hasher: hasher, Log: r.Log, Now: r.Now,
		Service: func(name string) (login.Service, bool) {
			service, ok := bound[name]
			return service, ok
		},
	}
	for name, service := range services {
		if service, ok := service.(login.Bound); ok {
			bound[name] = service.Bind(name, to)
		}
	}
	return bound
}

// URL is the address of one of the realm's endpoints, such as "access_token".
func (r *Realm) URL(endpoint string) string { return r.Issuer + "/" + endpoint }

// Subject is the sub of an account: its bare id for the default service, else
// "service:id", so that two people never share one (unless the services are
// declared to share accounts). An account that would bear the name of a client,
// or of another service's account, has no subject at all: ok is false.
func (r *Realm) Subject(account store.Account) (subject string, ok bool) {
	if account.ID == "" {
		return "", false
	}
	subject = account.ID
	if !r.SharedAccounts {
		if account.Service != r.DefaultService {
			subject = account.Service + ":" + account.ID
		} else if service, _, qualified := strings.Cut(account.ID, ":"); qualified && r.Services[service] != nil {
			return "", false
		}
	}
	return subject, !r.clients.known(subject)
}

// ErrUnknownService is an auth_chain that names no service of the password
// grant.
var ErrUnknownService = errors.New("no such authentication service for the password grant")

// PasswordService chooses the authentication service of a password grant: the
// one that the request names, if the realm lists it for this grant, else the
// first that it lists, else its default.
func (r *Realm) PasswordService(requested string) (name string, err error) {
	allowed := r.PasswordServices
	if len(allowed) == 0 {
		allowed = []string{r.DefaultService}
	}
	name = allowed[0]
	if requested != "" {
		if !slices.Contains(allowed, requested) {
			return "", ErrUnknownService
		}
		name = requested
	}
	return name, nil
}

// Account asks the account's service what it is like now. login.ErrNoAccount
// when the account or its service is gone.
func (r *Realm) Account(ctx context.Context, account store.Account) (login.Account, error) {
	service, ok := r.Services[account.Service]
	if !ok {
		return login.Account{}, login.ErrNoAccount
	}
	return service.Account(ctx, account.ID)
}

// ErrRevoked is a token.ErrInvalid: a token that was good until it or its grant
// was revoked.
var ErrRevoked = fmt.Errorf("%w: revoked", token.ErrInvalid)

// OpenAccess says what a live access token of this realm says: opened, not
// expired, not revoked, its client still there. token.ErrInvalid when it is
// not, with the cause for logs (token.ErrMalformed, token.ErrExpired,
// ErrRevoked); any other error means that we cannot know now.
func (r *Realm) OpenAccess(raw oauth.Secret) (token.Access, error) {
	if !r.Revocations.Ready() {
		return token.Access{}, oauth.Unavailable(errors.New("the revocation log has not been read yet"))
	}
	access, err := r.Tokens.OpenAccess(raw, r.Now())
	if err != nil {
		return token.Access{}, err
	}
	of := access.Lineage()
	switch {
	case r.Revocations.Revoked(r.Name, of):
		return token.Access{}, ErrRevoked
	case !r.Alive(of):
		return token.Access{}, token.ErrInvalid
	}
	return access, nil
}

// Alive says whether a token that verified once still holds: nothing that it came
// of is revoked, its client is still there and its realm in service. It never
// blocks.
func (r *Realm) Alive(of token.Lineage) bool {
	return r.Serves(of.ClientID) && !r.Revocations.Revoked(r.Name, of)
}

// Serves says whether a client is there and its realm in service.
func (r *Realm) Serves(clientID string) bool {
	_, known := r.Client(clientID)
	return known && !r.Disabled()
}

// Over says whether a grant has come to its end. The store says so of one that it
// has ended; of many that end at once the log of revocations knows first.
func (r *Realm) Over(grant *store.Grant) bool {
	return grant.State == store.GrantRevoked || r.Revocations.Revoked(r.Name, token.LineageOf(grant))
}

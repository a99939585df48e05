package login

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
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
	// NotAgain is an earlier sign-in elsewhere where a new one was asked for.
	NotAgain = "not_again"
)

// Error implements error.
func (r *Refused) Error() string { return ErrCredentials.Error() }

// Unwrap makes it ErrCredentials.
func (r *Refused) Unwrap() error { return ErrCredentials }

// ErrNoAccount is an account that does not exist any more or is disabled.
var ErrNoAccount = errors.New("no such account, or it is disabled")

// RedirectRefused is ErrCredentials of a Redirects service.
type RedirectRefused struct {
	// Reason is one of a few words, for the audit log and the page.
	Reason string
	Err    error
}

// Error implements error.
func (r *RedirectRefused) Error() string { return r.Reason + ": " + r.Err.Error() }

// Unwrap makes it ErrCredentials, and what it came of.
func (r *RedirectRefused) Unwrap() []error { return []error{ErrCredentials, r.Err} }

// Account is a person as an authentication service knows it.
type Account struct {
	store.Account
	Username string
	// Claims are OpenID Connect standard claims (Core §5.1) and any others.
	Claims map[string]any
}

// Service is an authentication service: it knows accounts. What it can do besides
// says how people sign in: Passwords, Redirects. Any error but ErrCredentials and
// ErrNoAccount is a service that cannot answer now.
type Service interface {
	// Account is what an account is like now. ErrNoAccount when it may not sign in
	// any more: its sessions and grants are then over.
	Account(ctx context.Context, id string) (Account, error)
}

// Passwords is a Service that needs a username and a password and no more: the
// only kind that can serve the password grant.
type Passwords interface {
	Service
	// Authenticate checks a username and a password. ErrCredentials may be a
	// *Refused.
	Authenticate(ctx context.Context, username string, password oauth.Secret) (Account, error)
}

// Roll is a Service that can say who its accounts are, those included that may not
// sign in. It is for operators, who know people by their usernames.
type Roll interface {
	Service
	// Named is the id of the account with a username. ErrNoAccount when there is none.
	Named(ctx context.Context, username string) (id string, err error)
	// Has says whether there is an account.
	Has(ctx context.Context, id string) (bool, error)
}

// Redirects is a Service that signs people in at a site of its own.
type Redirects interface {
	Service
	// Label is what the button says that leads there, such as "Example Inc.".
	Label() string
	// Depart gives the address to send the browser to, and what Arrive needs again:
	// at most MaxKept bytes, which the browser keeps sealed.
	Depart(ctx context.Context, d Departure) (location, kept string, err error)
	// Arrive takes the query that the browser came back with. ErrCredentials when
	// nobody signed in there; an error with more to say to the user is a
	// *RedirectRefused.
	Arrive(ctx context.Context, query url.Values, callback, kept string) (Arrival, error)
}

// MaxKept bounds what a Redirects service may have the browser keep, in bytes.
const MaxKept = 1 << 10

// Departure is a sign-in that begins at another site.
type Departure struct {
	// Callback is where the site sends the browser back to.
	Callback string
	// Hint is who is expected to sign in, "" when nobody is.
	Hint string
	// Again asks for a sign-in even of somebody who is signed in there.
	Again bool
	// Languages are what the user reads, best first (BCP 47).
	Languages []string
}

// Arrival is somebody who signed in at another site.
type Arrival struct {
	Account Account
	// At is when, as the site says; zero when it does not say.
	At time.Time
	// AMR is how, in our words: what the site says where it is trusted to.
	AMR []string
}

// Binding is what a service may use of the realm that it serves in.
type Binding struct {
	Realm  string
	Issuer string
	// SecondFactor says that the realm lets nobody in by a password alone.
	SecondFactor bool
	Store        store.Store
	// Service finds another service of the realm, bound.
	Service func(name string) (Service, bool)
	Hasher  *hashing.Hasher
	Log     *slog.Logger
	Now     func() time.Time
}

// Bound is a Service that needs its realm. Bind gives the one to use there and
// leaves the receiver as it is, for it may serve in several realms.
type Bound interface {
	Service
	Bind(name string, to Binding) Service
}

// Watched is a Service that notices changes of its accounts by itself.
type Watched interface {
	Service
	// Changed gives, each time it is called, the ids of the accounts that may not
	// sign in any more or have another password since the last call: all that rests
	// on an earlier sign-in of theirs ends. It is called every second.
	Changed(ctx context.Context) (ids []string, err error)
}

// Resumed is a Watched service that can go on from where another of its name has
// left off.
type Resumed interface {
	Watched
	// Resume has the next Changed tell of what is different from what the service
	// told of last that stood in its place, in the configuration before.
	Resume(earlier Service)
}

type sourceKey struct{}

// WithSource notes the address that a request comes from, as the operator's
// settings of trusted proxies make it out.
func WithSource(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// Source is the address that a request comes from, "" when it is not known.
func Source(ctx context.Context) string {
	source, _ := ctx.Value(sourceKey{}).(string)
	return source
}

package factor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Any error but these is a store or a key that cannot answer now.
var (
	// ErrWrongCode is a code that is wrong, expired or used already.
	ErrWrongCode = errors.New("wrong code")
	// ErrPasskey is what a browser sent of a passkey that signs nobody in, or cannot
	// be added. What it wraps says why, for logs.
	ErrPasskey = errors.New("not a passkey that is good here")
	// ErrStale is an ErrPasskey that comes too late, twice or from another browser:
	// the page is to be shown again.
	ErrStale = fmt.Errorf("%w: its challenge is over", ErrPasskey)
	// ErrCloned is an ErrPasskey whose counter went back: there may be two of it. The
	// audit log is told.
	ErrCloned = fmt.Errorf("%w: its counter went back", ErrPasskey)
	// ErrExists is a passkey that an account of the realm has already.
	ErrExists = errors.New("the passkey is in use already")
	// ErrTooMany is an account that has store.MaxCredentials.
	ErrTooMany = errors.New("the account has as many factors as it may have")
	// ErrNotFound is a factor that the account does not have.
	ErrNotFound = errors.New("no such factor")
)

// Parts is what Factors are made of.
type Parts struct {
	Store store.Store
	Keys  *keys.Ring
	// Realm is whose accounts these are.
	Realm string
	// Issuer is the realm's: passkeys are for its host, and used at its origin.
	Issuer string
	// Name is what apps and browsers call us, "" for the issuer's host.
	Name string
	Now  func() time.Time
	// Tell is told of what was done, once it is committed; nil for nobody.
	Tell func(ctx context.Context, account store.Account, event audit.Event, details ...audit.Detail)
}

// Factors are the second factors and passkeys of the accounts of one realm. It is
// safe for concurrent use.
type Factors struct {
	parts Parts
	// site is the relying party of passkeys.
	site site
	name string
}

// New makes the Factors of a realm.
func New(parts Parts) *Factors {
	f := &Factors{parts: parts, name: parts.Name}
	if parts.Tell == nil {
		f.parts.Tell = func(context.Context, store.Account, audit.Event, ...audit.Detail) {}
	}
	issuer, err := url.Parse(parts.Issuer)
	if err != nil { // Settings.Check has read it
		issuer = &url.URL{}
	}
	f.site = siteOf(issuer)
	if f.name == "" {
		f.name = issuer.Hostname()
	}
	return f
}

// HasPasskeys says whether browsers can use passkeys with the realm's issuer: they
// want https or localhost, and a name rather than an address.
func (f *Factors) HasPasskeys() bool { return f.site.usable }

// maxLabel is how many characters of a label are kept.
const maxLabel = 64

// cutLabel is what is kept of a label that somebody typed.
func cutLabel(label string) string {
	var out []rune
	for _, c := range strings.TrimSpace(label) {
		if len(out) < maxLabel && unicode.IsPrint(c) && c != unicode.ReplacementChar {
			out = append(out, c)
		}
	}
	return string(out)
}

// mapped is an error of the store in our words.
func mapped(err error) error {
	switch {
	case errors.Is(err, store.ErrTooManyCredentials):
		return ErrTooMany
	case errors.Is(err, store.ErrExists):
		return ErrExists
	case errors.Is(err, store.ErrNotFound):
		return ErrNotFound
	}
	return err
}

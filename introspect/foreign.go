package introspect

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 8414 §2, RFC 7662 §2.1

// Values of Foreign.Validate.
const (
	// ValidateJWT takes JWTs and checks them with the issuer's keys.
	ValidateJWT = "jwt"
	// ValidateIntrospect asks the issuer about every token, JWTs included.
	ValidateIntrospect = "introspect"
	// ValidateAuto checks JWTs with keys and, where client credentials are
	// configured, asks about all others.
	ValidateAuto = "auto"
)

// DefaultAlgorithms are those of a foreign issuer that is not told any.
var DefaultAlgorithms = []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}

// algorithms are all that an issuer may be told to use.
var algorithms = []string{
	oauth.RS256, oauth.RS384, oauth.RS512, oauth.PS256, oauth.PS384, oauth.PS512,
	oauth.ES256, oauth.ES384, oauth.ES512, oauth.EdDSA,
}

// Foreign is an issuer somewhere else: discovery, keys, introspection.
type Foreign struct {
	// URL is the issuer identifier.
	URL string
	// Validate is "jwt", "introspect" or "auto" (JWTs by key, others by
	// introspection where the issuer has it and credentials are configured).
	// Default: auto.
	Validate string
	// Algorithms are the accepted signature algorithms. Default:
	// DefaultAlgorithms.
	Algorithms []string
	// TokenType is "compat" (at+jwt, JWT or none, never an ID token) or
	// "strict". Default: compat.
	TokenType string
	// Introspection is how the issuer is asked; without a client it never is.
	Introspection
	// Refresh is how often keys are read again, 5 min by default; MaxStale how
	// long the last good set is used while they cannot be, 24 h by default.
	Refresh, MaxStale time.Duration
	// Timeout bounds each request to the issuer. Default: 3 s.
	Timeout time.Duration
	// Leeway is how far in the future iat may lie, 0 to 60 s.
	Leeway time.Duration
	// Client does the requests; it follows no redirects. nil makes one.
	Client *http.Client
	// Log and Observer may be nil; Now may not.
	Log      *slog.Logger
	Observer Observer
	Now      func() time.Time

	// Previous, when there is one, is another Remote of the same issuer, reached
	// and trusted in the same way: its keys count until these are read.
	Previous *Remote
}

// Observer is told what operators count.
type Observer interface {
	// KeysFetched counts a fetch of metadata or keys: result "ok" or "error".
	KeysFetched(issuer, result string)
	// Introspected counts a call to an introspection endpoint: result "active",
	// "inactive" or "error".
	Introspected(issuer, result string, took time.Duration)
}

type noObserver struct{}

func (noObserver) KeysFetched(string, string)                 {}
func (noObserver) Introspected(string, string, time.Duration) {}

// Check says what is wrong with the settings, for the operator.
func (f Foreign) Check() error {
	f = f.withDefaults()
	at, err := url.Parse(f.URL)
	switch {
	case err != nil || at.Hostname() == "" || at.User != nil || at.RawQuery != "" || at.ForceQuery || at.Fragment != "":
		return fmt.Errorf("issuer %q is not a URL such as https://idp.example.com", f.URL)
	case at.Scheme != "https" && (at.Scheme != "http" || !oauth.IsLoopbackHost(at.Hostname())):
		return fmt.Errorf("issuer %s must use https (http is for loopback only)", f.URL)
	case !slices.Contains([]string{ValidateJWT, ValidateIntrospect, ValidateAuto}, f.Validate):
		return fmt.Errorf("issuer %s: validate %q is unknown: use jwt, introspect or auto", f.URL, f.Validate)
	case f.TokenType != TokenTypeCompat && f.TokenType != TokenTypeStrict:
		return fmt.Errorf("issuer %s: token_type %q is unknown: use compat or strict", f.URL, f.TokenType)
	case f.Validate == ValidateIntrospect && f.ClientID == "":
		return fmt.Errorf("issuer %s: validate introspect needs a client and its secret", f.URL)
	case f.Leeway < 0 || f.Leeway > maxLeeway:
		return fmt.Errorf("issuer %s: clock leeway %s is out of bounds: use 0s to %s", f.URL, f.Leeway, maxLeeway)
	case min(f.Refresh, f.MaxStale, f.Timeout) < 0:
		return fmt.Errorf("issuer %s: a duration is negative", f.URL)
	}
	if err := f.checkIntrospection(); err != nil {
		return fmt.Errorf("issuer %s: %w", f.URL, err)
	}
	for _, algorithm := range f.Algorithms {
		if !slices.Contains(algorithms, algorithm) {
			return fmt.Errorf("issuer %s: algorithm %q is not supported: use some of %v", f.URL, algorithm, algorithms)
		}
	}
	return nil
}

func (f Foreign) withDefaults() Foreign {
	orText := func(text *string, value string) {
		if *text == "" {
			*text = value
		}
	}
	orTime := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	orText(&f.Validate, ValidateAuto)
	orText(&f.TokenType, TokenTypeCompat)
	orTime(&f.Refresh, 5*time.Minute)
	orTime(&f.MaxStale, 24*time.Hour)
	orTime(&f.Timeout, 3*time.Second)
	if len(f.Algorithms) == 0 {
		f.Algorithms = DefaultAlgorithms
	}
	if f.Client == nil {
		f.Client = newClient()
	}
	f.Client = guarded(f.Client)
	if f.Log == nil {
		f.Log = slog.New(slog.DiscardHandler)
	}
	if f.Observer == nil {
		f.Observer = noObserver{}
	}
	return f
}

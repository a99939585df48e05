package introspect

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
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
	// Name is how operators and metrics call the issuer. Default: URL.
	Name string
	// URL is the issuer identifier.
	URL string
	// JWKSURI is where its keys are, and JWKSFile a file that holds them, for
	// issuers that do not say it in metadata, which is then not read for keys.
	// Default: neither.
	JWKSURI, JWKSFile string
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
	// MaxTokenAge refuses JWTs that were issued longer ago. Default: no bound.
	MaxTokenAge time.Duration
	// Refresh is how often keys are read again, 5 min by default; MaxStale how
	// long the last good set is used while they cannot be, 24 h by default.
	Refresh, MaxStale time.Duration
	// Timeout bounds each request to the issuer. Default: 3 s.
	Timeout time.Duration
	// Roots are the certificate authorities that vouch for the issuer, in PEM
	// form. Default: those of the operating system.
	Roots []byte
	// AllowPrivate are private addresses that the issuer may be at, beside those
	// that stand in its URLs as such. Default: none.
	AllowPrivate []netip.Prefix
	// Client does the requests; it follows no redirects. nil makes one of the
	// settings above, which any other one does without.
	Client *http.Client
	// Keeper keeps metadata and keys over restarts. nil for none.
	Keeper Keeper
	// Begin, when it is not nil, is closed when reading may begin.
	Begin <-chan struct{}
	// Log and Observer may be nil; Now may not.
	Log      *slog.Logger
	Observer Observer
	Now      func() time.Time

	// Previous, when there is one, is another Remote. If it is of the same
	// Origin, its keys count until these are read.
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
	case strings.Contains(at.Path, "/.well-known/"):
		return fmt.Errorf("issuer %s is the address of a document: an issuer is named as iss in its tokens has it, such as https://idp.example.com, and its keys are found from there", f.URL)
	case at.Scheme != "https" && (at.Scheme != "http" || !oauth.IsLoopbackHost(at.Hostname())):
		return fmt.Errorf("issuer %s must use https (http is for loopback only)", f.URL)
	case !slices.Contains([]string{ValidateJWT, ValidateIntrospect, ValidateAuto}, f.Validate):
		return fmt.Errorf("issuer %s: validate %q is unknown: use jwt, introspect or auto", f.URL, f.Validate)
	case f.TokenType != TokenTypeCompat && f.TokenType != TokenTypeStrict:
		return fmt.Errorf("issuer %s: token_type %q is unknown: use compat or strict", f.URL, f.TokenType)
	case f.Validate == ValidateIntrospect && f.ClientID == "":
		return fmt.Errorf("issuer %s: validate introspect needs a client to ask as: add a block introspection with a line such as: client gateway {env.GATEWAY_SECRET}", f.URL)
	case min(f.Refresh, f.MaxStale, f.Timeout, f.MaxTokenAge) < 0:
		return fmt.Errorf("issuer %s: a duration is negative", f.URL)
	case f.MaxStale < f.Refresh:
		return fmt.Errorf("issuer %s: max_stale %s is shorter than refresh %s: keys would be too old before they are read again", f.URL, f.MaxStale, f.Refresh)
	case f.Roots != nil && !x509.NewCertPool().AppendCertsFromPEM(f.Roots):
		return fmt.Errorf("issuer %s: there is no certificate in PEM form among its certificate authorities", f.URL)
	}
	if err := f.checkKeys(); err != nil {
		return fmt.Errorf("issuer %s: %w", f.URL, err)
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

// checkKeys says what is wrong with where the keys are.
func (f Foreign) checkKeys() error {
	switch {
	case f.JWKSURI != "" && f.JWKSFile != "":
		return errors.New("jwks_uri and jwks_file both say where its keys are: keep one of them")
	case f.staticKeys() && !f.needsKeys():
		return errors.New("validate introspect reads keys for signed answers only: take jwks_uri or jwks_file away")
	case f.JWKSURI == "":
		return nil
	}
	if err := outbound.CheckEndpoint(f.JWKSURI, f.JWKSURI); err != nil {
		return fmt.Errorf("jwks_uri %q %w", f.JWKSURI, err)
	}
	return nil
}

// staticKeys says whether the settings themselves name the place of the keys.
func (f *Foreign) staticKeys() bool { return f.JWKSURI != "" || f.JWKSFile != "" }

// discovers says whether metadata is needed: for the place of the keys, or for
// the introspection endpoint.
func (f *Foreign) discovers() bool {
	return f.needsKeys() && !f.staticKeys() || f.Validate != ValidateJWT && f.ClientID != "" && f.Endpoint == ""
}

// Describe is one text for all settings; two issuers that differ in any have
// different ones. Secrets stand in it as digests.
func (f Foreign) Describe() string {
	f = f.withDefaults()
	return fmt.Sprintf("%q %s %q %q %q %s %d %d %d %d %q", f.Name, f.Origin(), f.Validate, f.Algorithms, f.TokenType,
		f.describe(), f.MaxTokenAge, f.Refresh, f.MaxStale, f.Timeout, f.AllowPrivate)
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
	orText(&f.Name, f.URL)
	orText(&f.Validate, ValidateAuto)
	orText(&f.TokenType, TokenTypeCompat)
	orTime(&f.Refresh, 5*time.Minute)
	orTime(&f.MaxStale, 24*time.Hour)
	orTime(&f.Timeout, 3*time.Second)
	if len(f.Algorithms) == 0 {
		f.Algorithms = DefaultAlgorithms
	}
	if f.Log == nil {
		f.Log = slog.New(slog.DiscardHandler)
	}
	if f.Observer == nil {
		f.Observer = noObserver{}
	}
	return f
}

package caddymodule

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	defaultLeeway = 10 * time.Second
	maxLeeway     = time.Minute
)

// ForeignIssuer is an authorization server somewhere else whose access tokens
// `bearer_auth` can take: JWTs by its published keys, others by asking it.
type ForeignIssuer struct {
	// URL is its issuer identifier, byte for byte as it stands in `iss` and in
	// its metadata: https, or http on loopback. Its endpoints and keys are found
	// by discovery (RFC 8414, OpenID Connect Discovery). Required.
	URL string `json:"url"`

	// ValidateBy is `jwt`: by its keys; `introspect`: by asking its
	// introspection endpoint (RFC 7662); or `auto`: JWTs by its keys, and other
	// tokens by asking, if Introspection is there. Default: `auto`.
	ValidateBy string `json:"validate,omitempty"`

	// Algorithms are the signature algorithms that its JWTs may have: of
	// `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`,
	// `ES512` and `EdDSA`. Default: RS256, PS256, ES256, ES384 and EdDSA.
	Algorithms []string `json:"algorithms,omitempty"`

	// TokenType says which `typ` an access token may have: `strict` is `at+jwt`
	// alone (RFC 9068); `compat` is also `JWT` and none, but never an ID token.
	// Default: `compat`.
	TokenType string `json:"token_type,omitempty"`

	// Introspection is how to ask it for tokens. Default: never.
	Introspection *IssuerIntrospection `json:"introspection,omitempty"`

	// JWKS is how its keys are read.
	JWKS *IssuerKeys `json:"jwks,omitempty"`

	// Timeout bounds each request to it. Default: 3s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// TLSCA is the path of a PEM file with the certificate authorities that it
	// is trusted by. Default: those of the operating system.
	TLSCA string `json:"tls_ca,omitempty"`

	name    string // as the Caddyfile calls it
	foreign introspect.Foreign
	roots   []byte // PEM; nil for the operating system's
}

// IssuerKeys is how the keys of a foreign issuer are read.
type IssuerKeys struct {
	// Refresh is how often they are read again: a key that it withdraws counts
	// no longer after so long. Default: 5m.
	Refresh caddy.Duration `json:"refresh,omitempty"`

	// MaxStale is how long the last good keys are used while they cannot be
	// read. After that requests are answered with 503. Default: 24h.
	MaxStale caddy.Duration `json:"max_stale,omitempty"`
}

// Provision fills in placeholders and defaults. It reads files and does no
// network I/O.
func (i *ForeignIssuer) Provision(_ caddy.Context) error {
	repl := caddy.NewReplacer()
	address, err := repl.ReplaceOrErr(i.URL, true, true)
	if err != nil {
		return err
	}
	i.foreign = introspect.Foreign{
		URL: address, Validate: i.ValidateBy, Algorithms: i.Algorithms, TokenType: i.TokenType,
		Timeout: time.Duration(i.Timeout), Leeway: defaultLeeway,
	}
	if i.JWKS != nil {
		i.foreign.Refresh, i.foreign.MaxStale = time.Duration(i.JWKS.Refresh), time.Duration(i.JWKS.MaxStale)
	}
	if i.TLSCA != "" {
		if i.roots, err = os.ReadFile(i.TLSCA); err != nil {
			return fmt.Errorf("tls_ca: %w", err)
		}
	}
	return i.Introspection.provision(&i.foreign, repl)
}

// Validate refuses settings that cannot work or contradict each other.
func (i *ForeignIssuer) Validate() error {
	if err := i.foreign.Check(); err != nil {
		return err
	}
	if i.roots != nil && !x509.NewCertPool().AppendCertsFromPEM(i.roots) {
		return fmt.Errorf("tls_ca: %s holds no certificate in PEM form", i.TLSCA)
	}
	return i.Introspection.validate(i.ValidateBy)
}

// client makes the HTTP client for the issuer. It takes no proxy from the
// environment, so that where it connects stands in the configuration alone, and
// it follows no redirect (RS23).
func (i *ForeignIssuer) client() *http.Client {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if i.roots != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(i.roots)
	}
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Interface guards
var (
	_ caddy.Provisioner = (*ForeignIssuer)(nil)
	_ caddy.Validator   = (*ForeignIssuer)(nil)
)

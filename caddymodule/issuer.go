package caddymodule

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// minRefresh keeps a gateway from being a burden on an issuer.
const minRefresh = 10 * time.Second

// ForeignIssuer is an authorization server somewhere else whose access tokens
// `bearer_auth` can take: JWTs by its published keys, others by asking it.
//
// It is reached over the internet. Where a name of its URLs points at a private
// address, nothing is asked there unless AllowPrivate says so; an address that
// stands in its URLs as such, and localhost, are allowed by that.
//
// Its last good keys are kept in Caddy's storage, so that a start while it is
// down serves all the same.
type ForeignIssuer struct {
	// URL is its issuer identifier, byte for byte as it stands in `iss` and in
	// its metadata: https, or http on loopback. Its endpoints and keys are found
	// by discovery (RFC 8414, OpenID Connect Discovery). With Tenants it holds
	// `{tenant}` once. Required.
	URL string `json:"url"`

	// Tenants are what `{tenant}` stands for in URL, JWKSURI and JWKSFile: each
	// makes an issuer of its own, with its own metadata and keys. What is not
	// listed is not accepted. Names are of letters, digits and `_-.`. Default:
	// none.
	Tenants []string `json:"tenants,omitempty"`

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

	// MaxTokenAge refuses JWTs that were issued (`iat`) longer ago, whatever
	// their expiry says. Default: no bound.
	MaxTokenAge caddy.Duration `json:"max_token_age,omitempty"`

	// Introspection is how to ask it for tokens. Default: never.
	Introspection *IssuerIntrospection `json:"introspection,omitempty"`

	// JWKSURI is where its key set is, for an issuer that has no discovery.
	// Default: where its metadata says.
	JWKSURI string `json:"jwks_uri,omitempty"`

	// JWKSFile is the path of a file with its key set, for an issuer that
	// publishes none. It is read again as often as keys are. Default: none.
	JWKSFile string `json:"jwks_file,omitempty"`

	// JWKS is how its keys are read.
	JWKS *IssuerKeys `json:"jwks,omitempty"`

	// Timeout bounds each request to it. Default: 3s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// TLSCA is the path of a PEM file with the certificate authorities that it
	// is trusted by. Default: those of the operating system.
	TLSCA string `json:"tls_ca,omitempty"`

	// AllowPrivate are private addresses, as in `10.0.0.0/8`, that its names may
	// point at. Default: none.
	AllowPrivate []string `json:"allow_private,omitempty"`

	name     string               // as the configuration calls it
	foreigns []introspect.Foreign // one, or one a tenant
}

// IssuerKeys is how the keys of a foreign issuer are read.
type IssuerKeys struct {
	// Refresh is how often they are read again: a key that it withdraws counts
	// no longer after so long. At least 10s. Default: 5m.
	Refresh caddy.Duration `json:"refresh,omitempty"`

	// MaxStale is how long the last good keys are used while they cannot be
	// read, restarts included. After that requests are answered with 503. At
	// least Refresh. Default: 24h.
	MaxStale caddy.Duration `json:"max_stale,omitempty"`
}

// provision checks the settings and makes of them what introspect takes. It
// reads files and does no network I/O.
func (i *ForeignIssuer) provision(name string) error {
	i.name = name
	if err := i.checkTenants(); err != nil {
		return err
	}
	if err := i.JWKS.check(); err != nil {
		return err
	}
	common, err := i.common()
	if err != nil {
		return err
	}
	for _, tenant := range i.tenants() {
		foreign, err := i.foreign(common, tenant)
		if err != nil {
			return err
		}
		i.foreigns = append(i.foreigns, foreign)
	}
	return i.Introspection.validate(i.ValidateBy)
}

// common makes the settings that all tenants share.
func (i *ForeignIssuer) common() (introspect.Foreign, error) {
	f := introspect.Foreign{
		Name: i.name, Validate: i.ValidateBy, Algorithms: i.Algorithms, TokenType: i.TokenType,
		Timeout: time.Duration(i.Timeout), MaxTokenAge: time.Duration(i.MaxTokenAge),
	}
	if i.JWKS != nil {
		f.Refresh, f.MaxStale = time.Duration(i.JWKS.Refresh), time.Duration(i.JWKS.MaxStale)
	}
	var err error
	if f.AllowPrivate, err = addressRanges("allow_private", i.AllowPrivate); err != nil {
		return f, err
	}
	f.Roots, err = readAuthorities(i.TLSCA)
	return f, err
}

// foreign makes the settings of one tenant, or of the one issuer for "".
func (i *ForeignIssuer) foreign(f introspect.Foreign, tenant string) (introspect.Foreign, error) {
	repl := caddy.NewReplacer()
	if tenant != "" {
		repl.Set("tenant", tenant)
	}
	for _, member := range [...]struct {
		written string
		into    *string
	}{{i.URL, &f.URL}, {i.JWKSURI, &f.JWKSURI}, {i.JWKSFile, &f.JWKSFile}} {
		value, err := repl.ReplaceOrErr(member.written, true, true)
		if err != nil {
			return f, err
		}
		*member.into = value
	}
	if err := i.Introspection.provision(&f, repl); err != nil {
		return f, err
	}
	if err := f.Check(); err != nil {
		return f, err
	}
	if err := f.CheckFile(); err != nil {
		return f, fmt.Errorf("jwks_file: %w", err)
	}
	return f, nil
}

func (k *IssuerKeys) check() error {
	if k == nil {
		return nil
	}
	if refresh := time.Duration(k.Refresh); refresh != 0 && refresh < minRefresh {
		return fmt.Errorf("jwks refresh %s is too often: use %s or more", refresh, minRefresh)
	}
	if k.MaxStale < 0 {
		return errors.New("jwks max_stale is negative")
	}
	return nil
}

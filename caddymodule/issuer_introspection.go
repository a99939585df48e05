package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// IssuerIntrospection is how a foreign issuer is asked for tokens.
type IssuerIntrospection struct {
	// ClientID is the client as which this gateway asks. Required.
	ClientID string `json:"client_id,omitempty"`

	// Auth is how that client shows who it is: `basic` (client_secret_basic) or
	// `post` (client_secret_post) with ClientSecret, `private_key_jwt` with Key,
	// or `mtls` (tls_client_auth and self_signed_tls_client_auth) with
	// Certificate. Default: `basic`.
	Auth string `json:"auth,omitempty"`

	// ClientSecret is the secret of that client, best as a placeholder,
	// `{env.NAME}` or `{file./path}`. Required for `basic` and `post`.
	ClientSecret string `json:"client_secret,omitempty"`

	// Key is the path of a file with the private key of that client, as a JWK or
	// in PEM form, or a placeholder that stands for the key itself. A JWK may say
	// its `kid` and `alg` (RS256, PS256, ES256, ES384 or EdDSA). It is read when
	// the configuration is loaded. Required for `private_key_jwt`.
	Key string `json:"key,omitempty"`

	// Certificate is the path of a PEM file with the certificate of that client.
	// A renewed file counts without a reload, for connections that begin a
	// minute later or more. Required for `mtls`.
	Certificate string `json:"certificate,omitempty"`

	// CertificateKey is the path of the PEM file with the private key of
	// Certificate. Required for `mtls`.
	CertificateKey string `json:"certificate_key,omitempty"`

	// Endpoint is where to ask, for issuers that do not say so in metadata. With
	// `validate introspect`, unless SignedResponse is on, no metadata is read
	// then. Default: as the metadata says.
	Endpoint string `json:"endpoint,omitempty"`

	// SignedResponse asks for answers that the issuer has signed (RFC 9701) and
	// takes no others. Default: off.
	SignedResponse bool `json:"signed_response,omitempty"`

	// Cache is how long at most an active token is taken for active without
	// asking again: a revocation over there counts here after so long. Never
	// past its expiry. Less than 0 asks every time. Default: 60s.
	Cache caddy.Duration `json:"cache,omitempty"`

	// NegativeCache is how long at most a token that was not active is refused
	// without asking again, 5s at most. Less than 0 asks every time. Default: 5s.
	NegativeCache caddy.Duration `json:"negative_cache,omitempty"`

	// MissingAudience says what to do with an answer that names no `aud`:
	// `refuse`, or `allow` for issuers that never tell one, whose tokens for any
	// other API then open this one. Default: `refuse`.
	MissingAudience string `json:"missing_audience,omitempty"`
}

const (
	missingAudienceRefuse = "refuse"
	missingAudienceAllow  = "allow"
)

func (o *IssuerIntrospection) provision(foreign *introspect.Foreign, repl *caddy.Replacer) error {
	if o == nil {
		return nil
	}
	secret, err := resolveSecret(o.ClientSecret, repl)
	if err != nil {
		return fmt.Errorf("the secret of the introspection client %w", err)
	}
	foreign.Introspection = introspect.Introspection{
		ClientID: o.ClientID, Auth: o.Auth, ClientSecret: oauth.NewSecret(secret), SignedResponse: o.SignedResponse,
		CacheTTL:    max(0, cmp.Or(time.Duration(o.Cache), time.Minute)),
		NegativeTTL: max(0, cmp.Or(time.Duration(o.NegativeCache), 5*time.Second)),

		RequireAudience: o.MissingAudience != missingAudienceAllow,
	}
	if foreign.Endpoint, err = repl.ReplaceOrErr(o.Endpoint, true, true); err != nil {
		return fmt.Errorf("introspection endpoint: %w", err)
	}
	if foreign.Key, err = o.readKey(repl); err != nil {
		return fmt.Errorf("introspection key: %w", err)
	}
	if foreign.Certificate, err = o.readCertificate(repl); err != nil {
		return fmt.Errorf("introspection certificate: %w", err)
	}
	return nil
}

// validate refuses settings that contradict each other; by is how the issuer's
// tokens are validated.
func (o *IssuerIntrospection) validate(by string) error {
	switch {
	case o == nil:
		return nil
	case by == introspect.ValidateJWT:
		return errors.New("there are introspection settings, but validate jwt never asks; take one of them away")
	case o.ClientID == "":
		return errors.New("there is introspection without a client; add one, as in: client gateway {env.GATEWAY_SECRET}")
	case o.MissingAudience == "":
		return nil
	default:
		if err := oneOf("missing_audience", []string{o.MissingAudience}, []string{missingAudienceRefuse, missingAudienceAllow}); err != nil {
			return fmt.Errorf("introspection %w", err)
		}
		return nil
	}
}

func (i *ForeignIssuer) readIntrospection(d *caddyfile.Dispenser) error {
	o := new(IssuerIntrospection)
	i.Introspection = o
	return readOnlyBlock(d, "introspection", map[string]reader{
		"client": func(d *caddyfile.Dispenser) error {
			switch words := d.RemainingArgs(); len(words) {
			case 2:
				o.ClientSecret = words[1]
				fallthrough
			case 1:
				o.ClientID = words[0]
				return nil
			}
			return d.Err("client takes an id and, where auth is basic or post, a secret, as in: client gateway {env.GATEWAY_SECRET}")
		},
		"auth": text(&o.Auth),
		"key":  text(&o.Key),
		"certificate": func(d *caddyfile.Dispenser) error {
			if !d.AllArgs(&o.Certificate, &o.CertificateKey) {
				return d.Err("certificate takes two files, as in: certificate /run/secrets/gateway.crt /run/secrets/gateway.key")
			}
			return nil
		},
		"endpoint":         text(&o.Endpoint),
		"signed_response":  flag(&o.SignedResponse),
		"cache":            spanOrOff(&o.Cache),
		"negative_cache":   spanOrOff(&o.NegativeCache),
		"missing_audience": text(&o.MissingAudience),
	})
}

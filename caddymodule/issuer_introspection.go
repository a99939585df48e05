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
	// ClientID is the client as which this gateway asks (client_secret_basic).
	// Required.
	ClientID string `json:"client_id,omitempty"`

	// ClientSecret is the secret of that client, best as a placeholder,
	// `{env.NAME}` or `{file./path}`. Required.
	ClientSecret string `json:"client_secret,omitempty"`

	// Cache is how long at most an active token is taken for active without
	// asking again: a revocation over there counts here after so long. Never
	// past its expiry. Default: 60s.
	Cache caddy.Duration `json:"cache,omitempty"`

	// NegativeCache is how long at most a token that was not active is refused
	// without asking again, 5s at most. Default: 5s.
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
	foreign.ClientID, foreign.ClientSecret = o.ClientID, oauth.NewSecret(secret)
	foreign.CacheTTL = cmp.Or(time.Duration(o.Cache), time.Minute)
	foreign.NegativeTTL = cmp.Or(time.Duration(o.NegativeCache), 5*time.Second)
	foreign.RequireAudience = o.MissingAudience != missingAudienceAllow
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
	if err := noArgs(d); err != nil {
		return err
	}
	o := new(IssuerIntrospection)
	i.Introspection = o
	return readBlock(d, "introspection", map[string]reader{
		"client": func(d *caddyfile.Dispenser) error {
			if !d.AllArgs(&o.ClientID, &o.ClientSecret) {
				return d.Err("client takes an id and a secret, as in: client gateway {env.GATEWAY_SECRET}")
			}
			return nil
		},
		"cache":            span(&o.Cache),
		"negative_cache":   span(&o.NegativeCache),
		"missing_audience": text(&o.MissingAudience),
	})
}

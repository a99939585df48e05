package caddymodule

import (
	"errors"
	"net/http"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func init() { caddy.RegisterModule(new(MatchTokenClaim)) }

// MatchTokenClaim matches requests by claims of the token that a bearer_auth
// before has verified. A request that passed without a token does not match. It
// is an error to ask before a bearer_auth has decided.
//
// In an expression it is `token_claim("realm_access.roles", "admin")`, with the
// name of one claim and the values that will do.
type MatchTokenClaim struct {
	// Claims are the conditions, all of which must hold. Required.
	Claims []ClaimCondition `json:"claims"`
}

// CaddyModule returns the Caddy module information.
func (*MatchTokenClaim) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.token_claim",
		New: func() caddy.Module { return new(MatchTokenClaim) },
	}
}

// Provision checks the configuration.
func (m *MatchTokenClaim) Provision(caddy.Context) error {
	if len(m.Claims) == 0 {
		return errors.New("token_claim names no claim")
	}
	for _, claim := range m.Claims {
		if err := introspect.ClaimCondition(claim).Check(); err != nil {
			return err
		}
	}
	return nil
}

// MatchWithError says whether the token has the claims.
func (m *MatchTokenClaim) MatchWithError(r *http.Request) (bool, error) {
	token, err := verifiedToken(r)
	if err != nil || token == nil {
		return false, err
	}
	for _, claim := range m.Claims {
		if !introspect.ClaimCondition(claim).Holds(token.Claims.All()) {
			return false, nil
		}
	}
	return true, nil
}

// UnmarshalCaddyfile reads the matcher; several lines must all hold. Syntax:
//
//	token_claim <path> <values...>
func (m *MatchTokenClaim) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		words := d.RemainingArgs()
		if len(words) < 2 {
			return d.Err("token_claim takes the name of a claim and the values that will do, as in: token_claim realm_access.roles admin")
		}
		m.Claims = append(m.Claims, ClaimCondition{Path: words[0], Values: words[1:]})
	}
	return nil
}

// CELLibrary makes token_claim(<path>, <values...>) known to expression matchers.
func (*MatchTokenClaim) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	return caddyhttp.CELMatcherImpl("token_claim", "token_claim_match_request_list", []*cel.Type{cel.ListType(cel.StringType)},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			words, err := celWords(data)
			if err != nil {
				return nil, err
			}
			m := &MatchTokenClaim{Claims: []ClaimCondition{{Path: words[0], Values: words[1:]}}}
			return m, m.Provision(ctx)
		})
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchTokenClaim)(nil)
	_ caddyfile.Unmarshaler             = (*MatchTokenClaim)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchTokenClaim)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchTokenClaim)(nil)
)

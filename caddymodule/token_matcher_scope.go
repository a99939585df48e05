package caddymodule

import (
	"errors"
	"net/http"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func init() { caddy.RegisterModule(new(MatchTokenScope)) }

// MatchTokenScope matches requests by the scope of the token that a bearer_auth
// before has verified. A request that passed without a token does not match. It
// is an error to ask before a bearer_auth has decided.
//
// In an expression it is `token_scope("orders:read")`, with all scope tokens as
// arguments.
type MatchTokenScope struct {
	// Scope are the scope tokens that the token must have, all of them unless
	// `any` is set. Required.
	Scope []string `json:"scope"`

	// Any makes one of them enough. Default: false.
	Any bool `json:"any,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*MatchTokenScope) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.token_scope",
		New: func() caddy.Module { return new(MatchTokenScope) },
	}
}

// Provision checks the configuration.
func (m *MatchTokenScope) Provision(caddy.Context) error {
	if len(m.Scope) == 0 {
		return errors.New("token_scope names no scope")
	}
	return introspect.Rule{Path: "*", Scope: m.Scope}.Check()
}

// MatchWithError says whether the token has the scope.
func (m *MatchTokenScope) MatchWithError(r *http.Request) (bool, error) {
	token, err := verifiedToken(r)
	if err != nil || token == nil {
		return false, err
	}
	return introspect.HasScope(token.Scope, m.Scope, m.Any), nil
}

// UnmarshalCaddyfile reads the matcher. Syntax:
//
//	token_scope [all|any] <tokens...>
func (m *MatchTokenScope) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume matcher name
	m.Scope, m.Any = parseScopeWords(d.RemainingArgs())
	if len(m.Scope) == 0 {
		return d.Err("token_scope takes scope tokens, as in: token_scope orders:read")
	}
	if d.Next() {
		return d.Err("token_scope stands once in a matcher: name all scope tokens on its line")
	}
	return nil
}

// CELLibrary makes token_scope(<tokens...>) known to expression matchers.
func (*MatchTokenScope) CELLibrary(ctx caddy.Context) (cel.Library, error) {
	return caddyhttp.CELMatcherImpl("token_scope", "token_scope_match_request_list", []*cel.Type{cel.ListType(cel.StringType)},
		func(data ref.Val) (caddyhttp.RequestMatcherWithError, error) {
			words, err := celWords(data)
			if err != nil {
				return nil, err
			}
			m := &MatchTokenScope{Scope: words}
			return m, m.Provision(ctx)
		})
}

// celWords are the arguments of a matcher in an expression.
func celWords(data ref.Val) ([]string, error) {
	native, err := data.ConvertToNative(reflect.TypeFor[[]string]())
	if err != nil {
		return nil, err
	}
	words, _ := native.([]string)
	return words, nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchTokenScope)(nil)
	_ caddyfile.Unmarshaler             = (*MatchTokenScope)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchTokenScope)(nil)
	_ caddyhttp.CELLibraryProducer      = (*MatchTokenScope)(nil)
)

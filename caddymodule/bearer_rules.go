package caddymodule

import (
	"cmp"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// BearerRule says which requests pass, and what their tokens need. All of what
// it asks must hold; a rule that asks for nothing takes any valid token.
type BearerRule struct {
	// Public lets the request pass without a token. A token that it has is
	// neither checked nor forwarded. Default: false.
	Public bool `json:"public,omitempty"`

	// Methods are the HTTP methods that the rule speaks of. Default: all.
	Methods []string `json:"methods,omitempty"`

	// Path is the path that the rule speaks of, case-sensitive and in whole
	// segments: `/orders` is that path alone, `/orders*` also what is below it,
	// and `*` is any path. Default: `*`.
	Path string `json:"path,omitempty"`

	// Scope are the scope tokens that the access token must have, all of them
	// unless `any_scope` is set. Default: none.
	Scope []string `json:"scope,omitempty"`

	// AnyScope makes one of the scope tokens enough. Default: false.
	AnyScope bool `json:"any_scope,omitempty"`

	// Claims are conditions on claims of the token. Default: none.
	Claims []ClaimCondition `json:"claims,omitempty"`

	// ACR are authentication context classes; the claim `acr` must be one of
	// them, or the client is told to let the person log in that way (RFC 9470).
	// Default: none.
	ACR []string `json:"acr,omitempty"`

	// MaxAge is how long ago the person may have logged in, in whole seconds and
	// by the claim `auth_time`; after that the client is told to let the person
	// log in again (RFC 9470). Default: no limit.
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// Expression is a CEL expression that must be true. Its variables are
	// `claims`, `scope`, `sub`, `client_id`, `issuer` and `request.method`,
	// `request.path`, `request.host`, `request.client_ip`, `request.query`,
	// `request.time`. What has no value, as a claim that is missing, is not true.
	// Default: none.
	Expression string `json:"expression,omitempty"`
}

// ClaimCondition asks for one of some values of a claim.
type ClaimCondition struct {
	// Path is the name of the claim, or else the path that its dots describe, as
	// in `realm_access.roles`. A list matches by its elements. Required.
	Path string `json:"path"`

	// Values are those that will do, compared as text and byte for byte: `1` is
	// the number 1 and the string "1". Required.
	Values []string `json:"values"`
}

// line is the rule as introspect takes it.
func (r BearerRule) line() introspect.Rule {
	line := introspect.Rule{
		Public: r.Public, Methods: r.Methods, Path: cmp.Or(r.Path, "*"), Scope: r.Scope, AnyScope: r.AnyScope,
		ACR: r.ACR, MaxAge: time.Duration(r.MaxAge), Expression: r.Expression,
	}
	for _, claim := range r.Claims {
		line.Claims = append(line.Claims, introspect.ClaimCondition(claim))
	}
	return line
}

// lines are the rules as introspect takes them.
func (b *BearerAuth) lines() []introspect.Rule {
	lines := make([]introspect.Rule, len(b.Rules))
	for i, rule := range b.Rules {
		lines[i] = rule.line()
	}
	return lines
}

// meets says what a token lacks of what the rule asks; nil for nothing.
func (b *BearerAuth) meets(r *http.Request, requirement *introspect.Requirement, token *introspect.Token) *refusal {
	if requirement == nil {
		return nil
	}
	shortfall := b.introspector.Meets(requirement, token, judged(r))
	if shortfall == nil {
		return nil
	}
	if shortfall.Fault != "" {
		b.log.Debug("the expression of a rule has no value for a request, which is refused",
			"rule", requirement.Line(), "fault", shortfall.Fault)
	}
	switch shortfall.Lacks {
	case introspect.LacksScope:
		return refuseScope(shortfall.Scope)
	case introspect.LacksClaim:
		return refuseCondition(reasonClaim)
	case introspect.LacksAuthentication:
		return refuseLogin(shortfall.ACR, shortfall.MaxAge)
	default:
		return refuseCondition(reasonExpression)
	}
}

package caddymodule

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// BearerRule says which token a request needs.
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

	// Scope are the scope tokens that the access token must have, all of them.
	// Default: none, any valid token passes.
	Scope []string `json:"scope,omitempty"`
}

// lines are the rules as introspect takes them.
func (b *BearerAuth) lines() []introspect.Rule {
	lines := make([]introspect.Rule, len(b.Rules))
	for i, rule := range b.Rules {
		lines[i] = introspect.Rule{
			Public: rule.Public, Methods: rule.Methods, Path: cmp.Or(rule.Path, "*"), Scope: rule.Scope,
		}
	}
	return lines
}

// meets says what a token lacks of what the rule asks; nil for nothing.
func (b *BearerAuth) meets(_ *http.Request, requirement *introspect.Requirement, token *introspect.Token) *refusal {
	if shortfall := requirement.Check(token); shortfall != nil {
		return refuseScope(shortfall.Scope)
	}
	return nil
}

// readPublic reads: public [<methods>] <paths...>.
func (b *BearerAuth) readPublic(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	var methods []string
	if len(args) > 1 && !strings.HasPrefix(args[0], "/") {
		methods, args = parseMethods(args[0]), args[1:]
	}
	if len(args) == 0 {
		return d.Err("public takes paths, as in: public /health")
	}
	for _, path := range args {
		b.Rules = append(b.Rules, BearerRule{Public: true, Methods: methods, Path: path})
	}
	return nil
}

// readAllow reads: allow <methods>|* <path> [scope <tokens...>].
func (b *BearerAuth) readAllow(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 2 || strings.HasPrefix(args[0], "/") {
		return d.Err("allow takes methods and a path, as in: allow GET,HEAD /orders* scope orders:read")
	}
	rule := BearerRule{Methods: parseMethods(args[0]), Path: args[1]}
	if rest := args[2:]; len(rest) > 0 {
		if rest[0] != "scope" || len(rest) == 1 {
			return d.Errf("allow %s %s may be followed by scope and its tokens, not by %q", args[0], args[1], strings.Join(rest, " "))
		}
		rule.Scope = rest[1:]
	}
	b.Rules = append(b.Rules, rule)
	return nil
}

// parseMethods reads methods joined by commas; * is all of them.
func parseMethods(text string) []string {
	if text == "*" {
		return nil
	}
	return strings.Split(text, ",")
}

package introspect

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// RFC 6750 §3.1

// Requirement is what a rule asks of a token that is otherwise good.
type Requirement struct {
	// Scope are scope tokens, all of which the token must have.
	Scope oauth.Scope
}

// Shortfall is what a token lacks of a Requirement.
type Shortfall struct {
	// Scope is what the requirement asks for.
	Scope oauth.Scope
}

// requirement is what the rule asks; nil for nothing.
func (r Rule) requirement() *Requirement {
	if len(r.Scope) == 0 {
		return nil
	}
	return &Requirement{Scope: r.Scope}
}

// Check says what a token lacks; nil for nothing.
func (q *Requirement) Check(token *Token) *Shortfall {
	if q == nil || q.Scope.Within(token.Scope) {
		return nil
	}
	return &Shortfall{Scope: q.Scope}
}

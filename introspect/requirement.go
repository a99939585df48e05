package introspect

import (
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6750 §3.1, RFC 9470 §3

// Requirement is what a rule asks of a token that is otherwise good: all of
// these. The fields are those of Rule.
type Requirement struct {
	Scope      oauth.Scope
	AnyScope   bool
	Claims     []ClaimCondition
	ACR        []string
	MaxAge     time.Duration
	expression *expression
	line       string
}

// Line is the rule as an operator would write it.
func (q *Requirement) Line() string { return q.line }

// judgesPath says whether the path of a request matters to the requirement.
func (q *Requirement) judgesPath() bool { return q != nil && q.expression != nil && q.expression.path }

// What a token can lack: a closed set, fit for logs and metric labels.
const (
	LacksScope          = "scope"
	LacksClaim          = "claim"
	LacksExpression     = "expression"
	LacksAuthentication = "authentication"
)

// Shortfall is what a token lacks of a Requirement.
type Shortfall struct {
	// Lacks is the condition that does not hold.
	Lacks string
	// Scope is what the requirement asks for, when that is lacking.
	Scope oauth.Scope
	// ACR and MaxAge are what the requirement asks of the login, when that is
	// lacking.
	ACR    []string
	MaxAge time.Duration
	// Fault is why an expression has no value, from a closed set; "" when it
	// has one, and that is false.
	Fault string
}

// Check says what a token lacks at a time; nil for nothing. Clocks may differ by
// leeway.
//
// The login comes last, for a stronger one is of no use to a token that would
// be refused all the same.
func (q *Requirement) Check(token *Token, request Request, now time.Time, leeway time.Duration) *Shortfall {
	switch {
	case q == nil:
		return nil
	case !HasScope(token.Scope, q.Scope, q.AnyScope):
		return &Shortfall{Lacks: LacksScope, Scope: q.Scope}
	case !q.claimed(token):
		return &Shortfall{Lacks: LacksClaim}
	}
	if q.expression != nil {
		if holds, fault := q.expression.holds(token, request, now); !holds {
			return &Shortfall{Lacks: LacksExpression, Fault: fault}
		}
	}
	if !q.loggedIn(token, now, leeway) {
		return &Shortfall{Lacks: LacksAuthentication, ACR: q.ACR, MaxAge: q.MaxAge}
	}
	return nil
}

// claimed says whether all conditions on claims hold.
func (q *Requirement) claimed(token *Token) bool {
	if len(q.Claims) == 0 {
		return true // without a look at claims that are kept as text
	}
	claims := token.Claims.All()
	return !slices.ContainsFunc(q.Claims, func(claim ClaimCondition) bool { return !claim.Holds(claims) })
}

// Meets says what a token lacks of a Requirement now, by the route's clock; nil
// for nothing.
func (i *Introspector) Meets(requirement *Requirement, token *Token, request Request) *Shortfall {
	return requirement.Check(token, request, i.config.Now(), i.config.Leeway)
}

// HasScope says whether a token has all of the wanted scope, or with any one
// token of it.
func HasScope(has, wanted oauth.Scope, any bool) bool {
	if any && len(wanted) > 0 {
		return slices.ContainsFunc(wanted, has.Has)
	}
	return wanted.Within(has)
}

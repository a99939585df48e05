package caddymodule

import (
	"cmp"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// decisionUnavailable is the explained decision on a token that nobody can check
// now: such a request gets 503.
const decisionUnavailable = "unavailable"

// explained is what one bearer_auth makes of a token, and why.
type explained struct {
	// Audience, Issuers and Realms are those of the bearer_auth.
	Audience []string `json:"audience"`

	// Issuers are the foreign issuers that it trusts.
	Issuers []string `json:"issuers,omitempty"`

	// Realms are the realms of this process that it trusts.
	Realms []string `json:"realms,omitempty"`

	// Matcher says that it has a request matcher. That is not asked here: requests
	// outside it pass without a check.
	Matcher bool `json:"matcher,omitempty"`

	// Mode is how far the decision counts: report_only lets what is refused pass
	// as well, optional also what brings no token.
	Mode string `json:"mode"`

	// Decision is allowed, public (the rule asks for no token), refused, or
	// unavailable when nobody can check the token now.
	Decision string `json:"decision"`

	// Reason is why not, as in metrics and logs.
	Reason string `json:"reason,omitempty"`

	// Detail is what in the token is to blame.
	Detail string `json:"detail,omitempty"`

	// Help is how to mend it.
	Help string `json:"help,omitempty"`

	// Rule is the line that speaks of the request, or words for there being none.
	Rule string `json:"rule,omitempty"`

	// RequiredScope is what the token lacks of the rule's scope.
	RequiredScope string `json:"required_scope,omitempty"`

	// Issuer is who answers for the token, by the name in the configuration, as
	// far as that was found out.
	Issuer string `json:"issuer,omitempty"`

	// Cached says that the issuer's verdict was remembered.
	Cached bool `json:"cached"`

	// ProofOfPossession says whether the token is bound to a key of its client
	// (cnf), whose proof only a real request brings.
	ProofOfPossession string `json:"proof_of_possession"`

	// Token is what the token says, when that can be read.
	Token *explainedToken `json:"token,omitempty"`
}

// explain decides as judge does, and says why, without counting, logging or
// handing anything on.
func (b *BearerAuth) explain(r *http.Request, token oauth.Secret) explained {
	out := explained{
		Audience: b.Audience, Issuers: b.Issuers, Realms: b.Realms, Matcher: len(b.matchers) > 0, Mode: cmp.Or(b.Mode, modeRequired),
		ProofOfPossession: "the token asks for none",
	}
	e := b.introspector.Explain(r.Context(), token)
	out.Issuer, out.Cached = e.Issuer, e.Cached
	if e.Claims != nil {
		out.Token = &explainedToken{
			Algorithm: e.Algorithm, KeyID: e.KeyID, Type: e.Type,
			Verified: e.Token != nil, Claims: explainedClaims(e.Claims),
		}
		if _, bound := e.Claims["cnf"]; bound {
			out.ProofOfPossession = "the token is bound to a key (cnf); its proof is not checked here"
		}
	}
	if b.rules.HasPaths() && ambiguousPath(r.URL) {
		out.refuse(refuseAmbiguousPath())
		return out
	}
	method, path := effectiveMethod(r), r.URL.Path
	decision, requirement := b.rules.Decide(method, path)
	out.Rule = b.rules.Describe(b.rules.DecideLine(method, path))
	switch {
	case decision == introspect.Public:
		out.Decision = decisionPublic
	case e.Err != nil:
		out.refuse(refuseIntrospection(e.Err))
		out.Detail = e.Detail
	case decision != introspect.Allow:
		out.refuse(refuseNoRule())
	default:
		out.Decision = decisionAllowed
		if refused := b.meets(r, requirement, e.Token); refused != nil {
			out.refuse(refused)
		}
	}
	return out
}

func (e *explained) refuse(r *refusal) {
	e.Decision, e.Reason, e.Help = decisionRefused, r.reason, helpFor(r.reason)
	if r.reason == reasonUnavailable {
		e.Decision = decisionUnavailable
	}
	e.RequiredScope = r.scope.String()
}

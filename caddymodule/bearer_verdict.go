package caddymodule

import (
	"cmp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// Decisions on a request: the closed set of a metric's label.
const (
	decisionAllowed   = "allowed"
	decisionPublic    = "public"
	decisionAnonymous = "anonymous"
	decisionPreflight = "preflight"
	decisionRefused   = "refused"
	// decisionWouldRefuse is a request that passes only because the mode is
	// report_only.
	decisionWouldRefuse = "would_refuse"
)

// verdict is what was decided of a request: refused, or let pass, with a
// verified token or for another reason.
type verdict struct {
	// refused is why it does not pass; nil when it does.
	refused *refusal
	// passed is the decision by which it passes.
	passed string
	// token is the identity that it passes with; nil for none.
	token *introspect.Token
	// issuer is who answers for the token, as metrics call it.
	issuer string
	// nonce is one for the next DPoP proof, "" for none.
	nonce string
	// verified is the token, also of a request that is refused for what the
	// token lacks.
	verified *introspect.Token
	// spared is why a request would be refused that the mode lets pass.
	spared *refusal
	// secret is the token as it came, for answers that outlast the verdict.
	secret oauth.Secret
	// webSocketToken says that a WebSocket brought its token as a subprotocol.
	webSocketToken bool
}

// pass lets a request pass for which no token matters.
func pass(decision string) verdict { return verdict{passed: decision, issuer: issuerNone} }

// refuse turns a request away before any issuer was asked.
func refuse(why *refusal) verdict { return verdict{refused: why, issuer: issuerNone} }

func (v verdict) decision() string {
	if v.refused != nil {
		return decisionRefused
	}
	if v.spared != nil {
		return decisionWouldRefuse
	}
	return v.passed
}

func (v verdict) reason() string {
	if refused := cmp.Or(v.refused, v.spared); refused != nil {
		return refused.reason
	}
	return reasonNone
}

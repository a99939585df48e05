package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 6750 §3.1, RFC 9470 §3

// Reasons that a request does not pass, besides those that introspect gives
// for a token. Together they are the closed set of a metric's label.
const (
	reasonNoToken       = "no_token"
	reasonMalformed     = "malformed_request"
	reasonAmbiguousPath = "ambiguous_path"
	reasonNoRule        = "no_rule"
	reasonScope         = "insufficient_scope"
	reasonClaim         = "claim"
	reasonExpression    = "expression"
	reasonLogin         = "insufficient_user_authentication"
	reasonHeaderValue   = "header_value"
	reasonUnavailable   = "unavailable"
	reasonMatcher       = "matcher"
	reasonPanic         = "panic"
	// reasonNone is the label of a request that passes.
	reasonNone = "none"
)

// refusal is why a request does not pass, and what its sender is told.
type refusal struct {
	status int
	reason string
	// code and description are those of the challenge; a challenge without a
	// code asks for a token (RFC 6750 §3.1). silent sends no challenge at all.
	code, description string
	silent            bool
	scope             oauth.Scope
	// parameters are further ones of the challenge: name, value, name, value.
	parameters []string
	// scheme is the one that the code is about. Default: Bearer.
	scheme string
	// nonce is one for the next DPoP proof; "" for none.
	nonce      string
	retryAfter time.Duration
	cause      error
}

// Error implements error for logs: no part of a token is in it.
func (r *refusal) Error() string {
	if r.cause != nil {
		return fmt.Sprintf("bearer_auth refused the request: %s: %v", r.reason, r.cause)
	}
	return "bearer_auth refused the request: " + r.reason
}

// Unwrap gives the cause.
func (r *refusal) Unwrap() error { return r.cause }

// refuseNoToken asks for a token. A request that came without one has made no
// mistake, so there is no error code.
func refuseNoToken() *refusal {
	return &refusal{status: http.StatusUnauthorized, reason: reasonNoToken}
}

// refuseToken says that the token is not good, and no more: the reason is for
// logs and metrics.
func refuseToken(reason string, cause error) *refusal {
	return &refusal{
		status: http.StatusUnauthorized, reason: reason, cause: cause,
		code: oauth.CodeInvalidToken, description: "The access token is not valid for this resource",
	}
}

// refuseMalformed is for a request with more than one credential or a
// malformed one.
func refuseMalformed(err error) *refusal {
	e := oauth.AsError(err)
	return &refusal{status: e.Status, reason: reasonMalformed, code: e.Code, description: e.Description}
}

// refuseAmbiguousPath is for a path that the upstream could read as another one
// than the rules judged (RS34). No token would change that.
func refuseAmbiguousPath() *refusal {
	return &refusal{status: http.StatusBadRequest, reason: reasonAmbiguousPath, silent: true}
}

// refuseNoRule is for a request that no rule speaks of: no token would do.
func refuseNoRule() *refusal {
	return &refusal{status: http.StatusForbidden, reason: reasonNoRule, silent: true}
}

// refuseScope names the scope that the first matching rule asks for.
func refuseScope(scope oauth.Scope) *refusal {
	return &refusal{
		status: http.StatusForbidden, reason: reasonScope,
		code: oauth.CodeInsufficientScope, description: "The access token does not have the scope that this request needs", scope: scope,
	}
}

// refuseCondition is for a claim or an expression of the first matching rule
// that does not hold. RFC 6750 §3.1 has no code for that: no scope would do.
func refuseCondition(reason string) *refusal {
	return &refusal{status: http.StatusForbidden, reason: reason, silent: true}
}

// refuseLogin asks for a login as the first matching rule wants it: one of some
// classes, or not longer ago than maxAge (RFC 9470 §3).
func refuseLogin(acr []string, maxAge time.Duration) *refusal {
	r := &refusal{
		status: http.StatusUnauthorized, reason: reasonLogin,
		code: oauth.CodeInsufficientUserAuth, description: "A stronger or more recent login is required",
	}
	if len(acr) > 0 {
		r.parameters = append(r.parameters, "acr_values", strings.Join(acr, " "))
	}
	if maxAge > 0 {
		r.parameters = append(r.parameters, "max_age", strconv.Itoa(int(maxAge/time.Second)))
	}
	return r
}

// refuseIntrospection translates the verdict of introspect. What is not a
// refusal of the token is our own side's failure: never invalid_token.
func refuseIntrospection(err error) *refusal {
	var refused *introspect.Refusal
	if errors.As(err, &refused) {
		return refusePresented(refused)
	}
	r := refuseUnavailable(err)
	var unavailable *introspect.Unavailable
	if errors.As(err, &unavailable) && unavailable.RetryAfter > 0 {
		r.retryAfter = unavailable.RetryAfter
	}
	return r
}

// refuseUnavailable is for what we cannot do now.
func refuseUnavailable(cause error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, silent: true, retryAfter: retryAfter, cause: cause}
}

// refusePresented tells a client how to use a token that is good in itself, and
// nothing about one that is not.
func refusePresented(refused *introspect.Refusal) *refusal {
	r := refuseToken(refused.Reason, nil)
	switch {
	case refused.Proof != nil:
		r.code, r.description, r.cause = refused.Proof.Code, refused.Proof.Description, refused.Proof
	case refused.Reason == introspect.ReasonBound:
		r.description = "The access token is bound to a key and needs proof of its possession"
	case refused.Reason == introspect.ReasonUnbound:
		r.description = "The access token is not bound to a key as this resource asks"
	}
	return r
}

// refuseMatcher is for a matcher that could not decide: a status in its error
// stands.
func refuseMatcher(err error) *refusal {
	return &refusal{status: http.StatusInternalServerError, reason: reasonMatcher, silent: true, cause: err}
}

// refusePanic is for a fault of ours before the decision (RS39).
func refusePanic(cause error) *refusal {
	return &refusal{status: http.StatusInternalServerError, reason: reasonPanic, silent: true, cause: cause}
}

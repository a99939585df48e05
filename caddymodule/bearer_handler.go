package caddymodule

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (b *BearerAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if b.publishesMetadata(w, r) || b.publishesAssertionKeys(w, r) {
		return nil
	}
	v := b.admit(r)
	if v.refused != nil {
		if awaitsBody(r) {
			w.Header().Set("Connection", "close")
		}
		return v.refused.answer(w.Header(), b.challenges)
	}
	giveNonce(w.Header(), v.nonce)
	if v.webSocketToken {
		w = &subprotocolWriter{ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	}
	w, r, s := b.follow(w, r, v)
	defer s.done()
	return next.ServeHTTP(w, r)
}

// admit decides whether a request passes, and leaves it as the upstream may see
// it. A panic in here is a refusal in every mode: nothing passes that was not
// decided (RS39).
func (b *BearerAuth) admit(r *http.Request) (v verdict) {
	defer func() {
		if fault := recover(); fault != nil {
			v = b.panicked(r, fault)
		}
	}()
	givePath(r)
	id, known := identify(r.Context())
	id.strip(r, b.upstream.guard)
	b.stripForgedCertificate(r)
	guarded, err := b.matchers.AnyMatchWithError(r)
	if err != nil {
		v := b.spare(r, refuse(refuseMatcher(err)), r.Header)
		b.note(r, v)
		return v
	}
	id.decided = true
	if !guarded {
		// What names another method or path could name one that is guarded.
		if b.Mode != modeReportOnly {
			overrideGuard.strip(r.Header)
		}
		return verdict{}
	}
	if known {
		// What a bearer_auth before this one has put on is not what we say.
		id.stripped.stripForged(r)
	}
	came := b.asItCame(r)
	byWebSocket := b.takeCredentials(r, id)
	b.takeEvidence(r, id)
	if len(b.Rules) > 0 || b.CORSPreflight {
		overrideGuard.strip(r.Header)
	}
	v = b.judge(r, id)
	v.webSocketToken = byWebSocket
	b.bindScheme(&v, id)
	v = b.spare(r, v, came)
	b.note(r, v)
	id.set(r.Context(), v.token)
	return v
}

// panicked is the verdict on a request that we failed on.
func (b *BearerAuth) panicked(r *http.Request, fault any) verdict {
	// The value of the panic could hold part of a token; the stack cannot.
	if left, ok := requestLines.allow(linePanic, reasonPanic); ok {
		b.log.Error(linePanic, "stack", string(debug.Stack()), "not_logged", left)
	}
	v := refuse(refusePanic(fmt.Errorf("panic with a %T", fault)))
	b.note(r, v)
	return v
}

// judge decides by the rules first, for they say whether a token matters.
func (b *BearerAuth) judge(r *http.Request, id *identity) verdict {
	if b.rules.HasPaths() && ambiguousPath(r.URL) {
		return refuse(refuseAmbiguousPath())
	}
	if b.CORSPreflight && isPreflight(r) {
		return pass(decisionPreflight)
	}
	decision, requirement := b.rules.Decide(effectiveMethod(r), r.URL.Path)
	if decision == introspect.Public {
		return pass(decisionPublic)
	}
	token, present, err := b.accessToken(id.authorization, r)
	switch {
	case err != nil:
		return refuse(refuseMalformed(err))
	case present:
		return b.judgeToken(r, id, token, decision, requirement)
	case b.Mode != modeOptional:
		return refuse(refuseNoToken())
	case len(id.authorization) > 0:
		// Badly written, or of a scheme that we do not take: not the same as none
		// where none would do (RS20).
		return refuse(refuseMalformed(errNotBearer))
	case decision == introspect.Allow && requirement == nil:
		return pass(decisionAnonymous)
	default:
		// Nobody has no scope, and no rule at all does not mean everybody.
		return refuse(refuseNoToken())
	}
}

// judgeToken decides on a request with a token. One that would be refused anyway
// is told first that its token is bad.
func (b *BearerAuth) judgeToken(r *http.Request, id *identity, token oauth.Secret, decision introspect.Decision, requirement *introspect.Requirement) verdict {
	result, err := b.introspector.Introspect(r.Context(), b.presented(r, id, token))
	v := verdict{passed: decisionAllowed, issuer: issuerLabel(result.Issuer), nonce: result.Nonce}
	if err != nil {
		v.refused, v.verified = refuseIntrospection(err), result.Refused
		return v
	}
	cacheLookup(result.Cached)
	v.verified = result.Token
	if decision != introspect.Allow {
		v.refused = refuseNoRule()
	} else {
		v.refused = b.meets(r, requirement, result.Token)
	}
	if v.refused == nil {
		v.refused = b.hand(r, id, result.Token)
	}
	if v.refused == nil {
		// Answers last, and logs come late.
		v.token, v.secret = result.Token.Kept(), token
		v.verified = v.token
	}
	return v
}

// Interface guard
var _ caddyhttp.MiddlewareHandler = (*BearerAuth)(nil)

package caddymodule

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

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

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (b *BearerAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if b.publishes(w, r) || b.publishesAssertionKeys(w, r) {
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
	if v.token == nil || b.Mode == modeReportOnly {
		return next.ServeHTTP(w, r)
	}
	w, r, done := b.follow(w, r, v)
	defer done()
	return next.ServeHTTP(w, r)
}

// admit decides whether a request passes, and leaves it as the upstream may see
// it. A panic in here is a refusal in every mode: nothing passes that was not
// decided (RS39).
func (b *BearerAuth) admit(r *http.Request) (v verdict) {
	defer func() {
		if fault := recover(); fault != nil {
			// The value of the panic could hold part of a token; the stack cannot.
			if left, ok := requestLines.allow(linePanic, reasonPanic); ok {
				b.log.Error(linePanic, "stack", string(debug.Stack()), "not_logged", left)
			}
			v = verdict{refused: refusePanic(fmt.Errorf("panic with a %T", fault)), issuer: issuerNone}
			b.note(r, v)
		}
	}()
	// "GET http://api HTTP/1.1" has no path and means "/" (RFC 9112 §3.2.2): so
	// must matchers and rules read it, for the upstream will.
	if r.URL.Path == "" && r.URL.Opaque == "" && r.Method != http.MethodConnect {
		r.URL.Path = "/"
	}
	id := identityOf(r.Context())
	known := id != nil
	if !known {
		id = newIdentity(r.Context())
	}
	id.strip(r, b.upstream.guard)
	guarded, err := b.matchers.AnyMatchWithError(r)
	if err != nil {
		v := b.spare(r, verdict{refused: refuseMatcher(err), issuer: issuerNone}, r.Header)
		b.note(r, v)
		return v
	}
	id.decided = true
	if !guarded {
		return verdict{}
	}
	if known {
		// What a bearer_auth before this one has put on is not what we say.
		id.stripped.stripForged(r)
	}
	came := b.asItCame(r)
	credentials := takeCredentials(r.Header)
	offered := b.WebSocketToken && isWebSocket(r)
	if offered {
		var written []string
		written, offered = takeSubprotocolToken(r.Header)
		credentials = append(credentials, written...)
	}
	if len(credentials) > 0 {
		id.authorization = credentials
	}
	b.takeEvidence(r, id)
	if len(b.Rules) > 0 || b.CORSPreflight {
		overrideGuard.strip(r.Header)
	}
	v = b.judge(r, id)
	b.bindScheme(&v, id)
	v.webSocketToken = offered
	v = b.spare(r, v, came)
	b.note(r, v)
	id.set(r.Context(), v.token)
	return v
}

var errNotBearer = oauth.InvalidRequest("The Authorization header must be the word Bearer, one space and one token.")

// effectiveMethod is what the upstream will see. Caddy forwards an extended
// CONNECT, which opens a WebSocket over HTTP/2 or HTTP/3, as the GET of HTTP/1.1
// (RFC 8441 §4, RFC 9220 §3).
func effectiveMethod(r *http.Request) string {
	extended := r.Header.Get(":protocol") != "" || !strings.HasPrefix(r.Proto, "HTTP/")
	if r.Method == http.MethodConnect && r.ProtoMajor >= 2 && extended {
		return http.MethodGet
	}
	return r.Method
}

// verdict is what was decided of a request: refused, or let pass, with a
// verified token or for another reason.
type verdict struct {
	refused *refusal
	token   *introspect.Token
	passed  string
	issuer  string
	nonce   string // for the next DPoP proof, "" for none
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

// judge decides by the rules first, for they say whether a token matters. A
// request that would be refused anyway is told first that its token is bad.
func (b *BearerAuth) judge(r *http.Request, id *identity) verdict {
	credentials := id.authorization
	if b.rules.HasPaths() && ambiguousPath(r.URL) {
		return verdict{refused: refuseAmbiguousPath(), issuer: issuerNone}
	}
	if b.CORSPreflight && isPreflight(r) {
		return verdict{passed: decisionPreflight, issuer: issuerNone}
	}
	decision, requirement := b.rules.Decide(effectiveMethod(r), r.URL.Path)
	if decision == introspect.Public {
		return verdict{passed: decisionPublic, issuer: issuerNone}
	}
	token, present, err := b.accessToken(credentials, r)
	if err != nil {
		return verdict{refused: refuseMalformed(err), issuer: issuerNone}
	}
	if !present && len(credentials) > 0 && b.Mode == modeOptional {
		// Badly written, or of a scheme that we do not take: not the same as none
		// where none would do (RS20).
		return verdict{refused: refuseMalformed(errNotBearer), issuer: issuerNone}
	}
	if !present {
		// Nobody has no scope, and no rule at all does not mean everybody.
		if b.Mode == modeOptional && decision == introspect.Allow && requirement == nil {
			return verdict{passed: decisionAnonymous, issuer: issuerNone}
		}
		return verdict{refused: refuseNoToken(), issuer: issuerNone}
	}
	result, err := b.introspector.Introspect(r.Context(), b.presented(r, id, token))
	v := verdict{passed: decisionAllowed, issuer: issuerLabel(result.Issuer), nonce: result.Nonce}
	if err != nil {
		v.refused = refuseIntrospection(err)
		return v
	}
	v.verified = result.Token
	cacheLookup(result.Cached)
	if decision != introspect.Allow {
		v.refused = refuseNoRule()
	} else {
		v.refused = b.meets(r, requirement, result.Token)
	}
	if v.refused == nil {
		v.refused = b.hand(r, result.Token, credentials)
	}
	if v.refused == nil {
		v.token, v.secret = result.Token, token
	}
	return v
}

// ambiguousPath says whether the upstream could read the path as another one.
// An opaque URL (as of "GET x:y") has no path that a rule could judge.
func ambiguousPath(u *url.URL) bool {
	return u.Opaque != "" || introspect.AmbiguousPath(u.EscapedPath())
}

// awaitsBody says whether a refusal would wait for a body that nobody reads: to
// keep the connection, net/http drains a part of it before it answers.
func awaitsBody(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ContentLength > 64<<10 || r.Header.Get("Expect") != "")
}

// isPreflight says whether a request is a CORS preflight (Fetch §3.2.2): what
// looks like one without being one is a request like others.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// Interface guard
var _ caddyhttp.MiddlewareHandler = (*BearerAuth)(nil)

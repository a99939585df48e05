package caddymodule

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 8441 §4, RFC 9112 §3.2.2, RFC 9220 §3

// givePath makes "GET http://api HTTP/1.1", which has no path and means "/" (RFC
// 9112 §3.2.2), read so to matchers and rules, for the upstream will.
func givePath(r *http.Request) {
	if r.URL.Path == "" && r.URL.Opaque == "" && r.Method != http.MethodConnect {
		r.URL.Path = "/"
	}
}

// effectiveMethod is what the upstream will see. Caddy forwards an extended
// CONNECT that opens a WebSocket over HTTP/2 or HTTP/3 as the GET of HTTP/1.1
// (RFC 8441 §4, RFC 9220 §3), and any other as the CONNECT that it is.
func effectiveMethod(r *http.Request) string {
	if isWebSocket(r) {
		return http.MethodGet
	}
	return r.Method
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

// judged is a request as rules judge it.
func judged(r *http.Request) introspect.Request {
	clientIP, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return introspect.Request{
		Method: effectiveMethod(r), Path: r.URL.Path, Host: r.Host, ClientIP: clientIP, Query: r.URL.RawQuery,
	}
}

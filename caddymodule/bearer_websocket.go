package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// RFC 6455 §4.1, RFC 8441 §4, RFC 9220 §3

const (
	// subprotocolHeader is how net/http spells Sec-WebSocket-Protocol.
	subprotocolHeader = "Sec-Websocket-Protocol"
	// bearerSubprotocol is what a client offers right before its access token.
	bearerSubprotocol = "bearer"
)

// isWebSocket says whether a request opens a WebSocket, in any version of HTTP.
func isWebSocket(r *http.Request) bool {
	if r.ProtoMajor == 1 {
		return r.Method == http.MethodGet && slices.ContainsFunc(r.Header["Upgrade"], namesWebSocket)
	}
	return r.Method == http.MethodConnect && (r.Header.Get(":protocol") == "websocket" || r.Proto == "websocket")
}

// namesWebSocket says whether a value of Upgrade has WebSocket among its
// protocols. It may be a list (RFC 9110 §7.8).
func namesWebSocket(value string) bool {
	for protocol := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.Trim(protocol, " \t"), "websocket") {
			return true
		}
	}
	return false
}

// takeSubprotocolToken takes the access token off the subprotocols that a client
// offers, as in `bearer, <token>, chat`, and gives it in the form of an
// Authorization value. offered says whether there was one, however badly
// written: it must not pass for none.
func takeSubprotocolToken(h http.Header) (credentials []string, offered bool) {
	var others []string
	expected := false
	for protocol := range strings.SplitSeq(strings.Join(h[subprotocolHeader], ","), ",") {
		protocol = strings.Trim(protocol, " \t")
		switch {
		case expected:
			credentials = append(credentials, "Bearer "+protocol)
			expected = false
		case protocol == bearerSubprotocol:
			expected, offered = true, true
		case protocol != "":
			others = append(others, protocol)
		}
	}
	if !offered {
		return nil, false
	}
	if expected {
		credentials = append(credentials, "Bearer") // without a token: malformed
	}
	delete(h, subprotocolHeader)
	if len(others) > 0 {
		h[subprotocolHeader] = []string{strings.Join(others, ", ")}
	}
	return credentials, true
}

// subprotocolWriter answers for the subprotocol that was taken off: browsers fail
// a WebSocket that offered some and got none, and the upstream may know of none.
type subprotocolWriter struct {
	caddyhttp.ResponseWriterWrapper
}

// WriteHeader implements http.ResponseWriter.
func (w *subprotocolWriter) WriteHeader(status int) {
	// 200 accepts an extended CONNECT.
	if status == http.StatusSwitchingProtocols || status == http.StatusOK {
		if h := w.Header(); !selectsSubprotocol(h) {
			h[subprotocolHeader] = []string{bearerSubprotocol}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// selectsSubprotocol says whether an answer names one. Caddy spells the header as
// the RFC does, which is not as net/http does.
func selectsSubprotocol(h http.Header) bool {
	for name := range h {
		if strings.EqualFold(name, subprotocolHeader) {
			return true
		}
	}
	return false
}

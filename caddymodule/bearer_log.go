package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// decisionField is the field of the access log that says what was decided.
const decisionField = "oauth2"

// Lines that requests can make us log; see requestLines.
const (
	lineWouldRefuse = "bearer_auth lets a request pass that it would refuse"
	lineUnavailable = "bearer_auth cannot check tokens"
	linePanic       = "bearer_auth panicked and refused the request"
	lineNoKeys      = "bearer_auth cannot publish the keys of identity assertions"
)

// note counts a decision, and tells it to the access log, to placeholders and,
// where an operator has to do something about it, to the log.
func (b *BearerAuth) note(r *http.Request, v verdict) {
	b.count(v)
	id := identityOf(r.Context())
	if id == nil {
		return
	}
	id.verdict = v
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server != nil && server.Logs != nil {
		if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
			// Made into text only where the request is logged.
			extra.Set(zap.Object(decisionField, (*decisionLog)(id)))
		}
	}
	switch {
	case v.spared != nil:
		b.warn(lineWouldRefuse, v, v.spared)
	case v.refused != nil && v.refused.reason == reasonUnavailable:
		// Caddy has a line for each, but none where handle_errors answers.
		b.warn(lineUnavailable, v, v.refused)
	}
}

// warn logs one line about a decision, unless there were many.
func (b *BearerAuth) warn(what string, v verdict, why *refusal) {
	left, ok := requestLines.allow(what, why.reason)
	if !ok {
		return
	}
	attrs := []any{"reason", why.reason, "issuer", v.issuer, "status", why.status}
	if v.verified != nil {
		attrs = append(attrs, "sub", v.verified.Subject, "client_id", v.verified.ClientID)
	}
	if why.cause != nil {
		attrs = append(attrs, "error", why.cause)
	}
	b.log.Warn(what, append(attrs, "not_logged", left)...)
}

// decisionLog is what the access log gets of an identity. Who it is stands in
// it only when the token was verified, and no part of the token ever does.
type decisionLog identity

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (d *decisionLog) MarshalLogObject(log zapcore.ObjectEncoder) error {
	for _, member := range [...]struct{ name, value, none string }{
		{"decision", d.verdict.decision(), ""},
		{"reason", d.verdict.reason(), reasonNone},
		{"issuer", d.verdict.issuer, issuerNone},
	} {
		if member.value != member.none {
			log.AddString(member.name, member.value)
		}
	}
	token := d.verdict.verified
	if token == nil {
		return nil
	}
	log.AddString("iss", token.Issuer)
	log.AddString("sub", token.Subject)
	if token.ClientID != "" {
		log.AddString("client_id", token.ClientID)
	}
	if token.ID != "" {
		log.AddString("jti_digest", digestText(token.ID))
	}
	return nil
}

// digestText names a jti without giving it away: enough to find the requests of
// one token, or the token that an operator holds.
func digestText(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

// decisionPlaceholders are how other directives get at what was decided, such
// as tracing, log_append and the pages of handle_errors.
const decisionPlaceholders = "http.auth.decision."

// placeholder answers {http.auth.decision.<member>}.
func (v verdict) placeholder(name string) (any, bool) {
	member, ok := strings.CutPrefix(name, decisionPlaceholders)
	if !ok {
		return nil, false
	}
	switch member {
	case "result":
		return v.decision(), true
	case "reason":
		return v.reason(), true
	case "issuer":
		return v.issuer, true
	}
	return nil, false
}

// Interface guard
var _ zapcore.ObjectMarshaler = (*decisionLog)(nil)

package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// checkUpstream finds what is wrong with what the upstream is to get.
func (b *BearerAuth) checkUpstream() error { return nil }

// provisionUpstream prepares what the upstream gets.
func (b *BearerAuth) provisionUpstream(caddy.Context, *App) error { return nil }

// hand puts on a request what the upstream gets of a verified token. When that
// fails it has put on nothing.
func (b *BearerAuth) hand(r *http.Request, token *introspect.Token, authorization []string) *refusal {
	if !setIdentity(r.Header, token) {
		return refuseToken(reasonHeaderValue, nil)
	}
	if b.ForwardToken {
		r.Header["Authorization"] = authorization
	}
	return nil
}

// readToken reads: token forward.
func (b *BearerAuth) readToken(d *caddyfile.Dispenser) error {
	var what string
	if !d.AllArgs(&what) || what != "forward" {
		return d.Err("token takes one word, as in: token forward")
	}
	b.ForwardToken = true
	return nil
}

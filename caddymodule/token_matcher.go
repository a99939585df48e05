package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

var errUndecided = errors.New("a token matcher was asked before any bearer_auth had decided on the request: " +
	"put bearer_auth before it. Caddy sorts directives, and such as header, redir and rewrite come earlier unless they stand in a handle or route")

// verifiedToken is the token that the bearer_auth before has verified; nil when
// the request passed without one. Where none has decided there is no answer: a
// matcher that said no there would be right by accident only.
func verifiedToken(r *http.Request) (*introspect.Token, error) {
	id := identityOf(r.Context())
	if id == nil || !id.decided {
		return nil, caddyhttp.Error(http.StatusInternalServerError, errUndecided)
	}
	return id.token, nil
}

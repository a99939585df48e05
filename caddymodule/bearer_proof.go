package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9449, RFC 8705

// checkProof finds what is wrong with the settings for bound tokens.
func (b *BearerAuth) checkProof() error { return nil }

// provisionProof tells the introspector how possession is proven here.
func (b *BearerAuth) provisionProof(caddy.Context, *App, *introspect.Config) error { return nil }

// presented is the token of a request with what proves that it is the caller's.
func (b *BearerAuth) presented(_ *http.Request, _ *identity, token oauth.Secret) introspect.Presented {
	return introspect.Presented{Token: token}
}

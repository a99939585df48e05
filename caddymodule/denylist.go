package caddymodule

import "github.com/caddy-oauth2/caddy-oauth2/introspect"

// denyList is what operators have revoked; nil when there is no store that could
// remember it.
func (a *App) denyList() *introspect.DenyList { return nil }

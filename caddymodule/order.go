package caddymodule

import "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

// init orders both directives at one place, because the order between two
// directives of plugins is the order of their registration: the server answers
// its own paths first, then the gateway guards what is left, and both stand
// before basic_auth, so that one site can hold all three.
func init() {
	for _, directive := range []string{"oauth2_server", "bearer_auth"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "basic_auth")
	}
}

package caddymodule

import "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

// init orders the directives at one place, because the order between two
// directives of plugins is the order of their registration: what tells a load
// balancer of this node comes first, the server answers its own paths next, then
// the gateway guards what is left, and all stand before basic_auth, so that one
// site can hold them all.
func init() {
	for _, directive := range []string{"oauth2_health", "oauth2_server", "bearer_auth"} {
		httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.Before, "basic_auth")
	}
}

// Command caddy is Caddy with the OAuth 2.0 modules of this repository linked
// in: what xcaddy builds, for those who build from a checkout.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

func main() { caddycmd.Main() }

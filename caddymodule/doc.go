// Package caddymodule is the Caddy face of both roles: their configuration in
// JSON and Caddyfile, their life cycle, their HTTP edges, logs, metrics, events,
// admin API and commands.
//
// The prefix of a file is its room:
//
//	bearer_          the resource server, the handler http.handlers.bearer_auth
//	token_matcher_   the matchers http.matchers.token_scope and token_claim
//	issuer_          the foreign issuers whose tokens it takes
//	server_          the app oauth2 and the handler http.handlers.oauth2_server: its
//	                 realms, their clients and keys, and the store that they share
//	storage_         guests of the app: oauth2.storage.*
//	signer_          guests of its realms: oauth2.signers.*
//	authentication_  guests of the app: oauth2.authentication.*
//	admin_ command_  what operators ask a running process, and the commands for it,
//	                 one file of each for a noun
//	health_          the handler http.handlers.oauth2_health, for load balancers
//	audit_ events.go where security events go: log, store, events of Caddy
//	log_ metrics_    what operators read
//
// A bare name such as health.go or audit.go is the room's first file. caddyfile.go has the readers that all directives share, order.go where the
// directives stand. What a token means and how one is issued is decided in
// packages introspect and authserver: no protocol rule and no SQL stands here.
package caddymodule

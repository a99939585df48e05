// Package caddymodule is the Caddy face of both roles: their configuration in
// JSON and Caddyfile, their life cycle, their HTTP edges, metrics and events.
//
// The prefix of a file is its room: bearer_ is the resource server, the handler
// http.handlers.bearer_auth; server_ is the authorization server, the app oauth2
// and the handler http.handlers.oauth2_server; storage_ and authentication_ are
// guests of the app. What a token means and how one is issued is decided in
// packages introspect and authserver: no protocol rule and no SQL stands here.
package caddymodule

// Package oauth is the shared vocabulary of the OAuth 2.0 family of RFCs and
// their rules as pure functions: forms, scopes, redirect URIs, PKCE, bearer
// credentials, compact JWS, error codes.
//
// It owns what both roles must agree on and what can be decided from values
// alone. It does no I/O, reads no clock, keeps no state and knows nothing of
// realms, stores, sessions or Caddy: callers pass what a rule needs and act on
// what it answers.
package oauth

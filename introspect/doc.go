// Package introspect is the resource server's library: is this access token
// good, and what does it say?
//
// It owns the choice of the issuer, the validation of JWTs against cached key
// sets, introspection of opaque tokens (RFC 7662), discovery, the cache of
// verdicts, and the rules of a route: which method and path asks for which scope,
// claims, expression and login. It knows no Caddy and no authorization server: the
// tokens of this process come in through Source, and the HTTP edges (where the
// token stands in a request, headers, challenges) are in package caddymodule.
package introspect

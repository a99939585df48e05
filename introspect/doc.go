// Package introspect is the resource server's library: is this access token
// good, and what does it say?
//
// It owns the choice of the issuer, the validation of JWTs against cached key
// sets, introspection of opaque tokens (RFC 7662), discovery, the cache of
// verdicts, the deny-list, proof of possession (RFC 9449, RFC 8705), and the rules
// of a route: which method and path asks for which scope, claims, expression and
// login. It knows no Caddy and no authorization server: the tokens of this process
// come in through Source, what outlives it through Keeper and ProofRegister, and
// the HTTP edges (where the token stands in a request, headers, challenges) are in
// package caddymodule.
//
// The way of a token, file by file:
//
//	introspect.go   the walk: deny-list, cache, issuer, checks of the route, proof
//	config.go       what a route asks; issuer.go whom it trusts; token.go the verdict
//	cache.go        verdicts that were given: cache_entry.go one of them, cache_common.go
//	                what they have in common, notes.go what routes have made of them
//	route.go        which issuer answers for a token
//	jwt.go          what the claims of an access token must be
//	remote.go       a foreign issuer: verify.go by its keys, introspection*.go by asking
//	jwks.go         a key set; upkeep.go and refresh.go read it, keep.go saves it
//	discovery.go    metadata; connect.go, fetch.go and private.go reach the issuer
//	presented.go    what the caller has proven: confirmation.go, dpop.go, nonce.go
//	rules.go        the rules of a route: rule.go, path.go, requirement.go, claimpath.go,
//	                expression.go, stepup.go
//	explain.go      the same verdict for an operator; holds.go for an answer that lasts
package introspect

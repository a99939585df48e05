package oidc

import (
	"fmt"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7517

// keySet is the usable part of a provider's keys. It is immutable.
type keySet []oauth.VerifyKey

// parseKeySet reads a JWK Set. Keys that cannot sign an ID token for us are left
// out, each by itself; a set without any other is an error.
func parseKeySet(body []byte) (keySet, error) {
	members, err := oauth.ReadKeySet(body)
	if err != nil {
		return nil, err
	}
	var set keySet
	for _, member := range members {
		if key, ok := member.(map[string]any); ok {
			set = append(set, usable(key)...)
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("key set: none of its %d keys is a public key for signatures by %v", len(members), algorithms)
	}
	return set, nil
}

// usable pins a key to its alg or, when it names none, to each algorithm that its
// type can carry. Nothing when it is private, symmetric, for another use, weak or
// malformed.
func usable(jwk map[string]any) (keys []oauth.VerifyKey) {
	kid, isText := oauth.StringMember(jwk, "kid")
	public, err := oauth.ParsePublicJWK(jwk)
	if !isText || err != nil {
		return nil
	}
	if _, there := jwk["key_ops"]; there {
		if ops, ok := oauth.StringsMember(jwk, "key_ops"); !ok || !slices.Contains(ops, "verify") {
			return nil
		}
	}
	alg, named := jwk["alg"]
	for _, algorithm := range algorithms {
		if named && alg != algorithm {
			continue
		}
		if key, err := oauth.NewVerifyKey(kid, algorithm, public.Key); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// find gives the one key that may verify: by kid and alg, or, without a kid, the
// only key of its alg.
func (s keySet) find(kid, alg string) (key oauth.VerifyKey, found bool) {
	for _, candidate := range s {
		if candidate.Algorithm != alg || kid != "" && candidate.KeyID != kid {
			continue
		}
		if found {
			return oauth.VerifyKey{}, false
		}
		key, found = candidate, true
	}
	return key, found
}

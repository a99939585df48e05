package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OpenID Connect Core §5.1

// protocolClaims are what a token says of itself, never what a file says of a
// user: RFC 7519 §4.1, RFC 9068 §2.2, RFC 7800, RFC 8693 §4, OpenID Connect Core
// §2, §3.3.2.11 and §5.6.2, and our own gid.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti",
	"client_id", "scope", "gid", "cnf", "act", "may_act",
	"azp", "nonce", "auth_time", "acr", "amr", "sid", "sub_jwk",
	"at_hash", "c_hash", "s_hash", "_claim_names", "_claim_sources",
}

// ProtocolClaim says whether a claim is what a token says of itself: no service
// sets it for an account.
func ProtocolClaim(name string) bool { return slices.Contains(protocolClaims, name) }

// nameToShow sets preferred_username where nothing else says it: the name to sign in
// with.
func nameToShow(claims map[string]any, username string) {
	if _, there := claims["preferred_username"]; !there {
		claims["preferred_username"] = username
	}
}

// readClaims reads the claims of a user, standard ones as the types that OpenID
// Connect gives them. A claim without a value is left out.
func readClaims(node *yaml.Node) (map[string]any, error) {
	claims := map[string]any{}
	err := eachMember(node, func(key, value *yaml.Node) error {
		if ProtocolClaim(key.Value) {
			return fmt.Errorf("line %d: %s belongs to the protocol and cannot be set for a user: remove it", key.Line, key.Value)
		}
		if value.ShortTag() == "!!null" {
			return nil
		}
		claim, err := readClaim(key.Value, value)
		if err != nil {
			return fmt.Errorf("line %d: %s %w", key.Line, key.Value, err)
		}
		claims[key.Value] = claim
		return nil
	})
	return claims, err
}

func readClaim(name string, node *yaml.Node) (any, error) {
	switch name {
	case "email_verified", "phone_number_verified":
		var verified bool
		if node.Decode(&verified) != nil {
			return nil, errors.New("must be true or false")
		}
		return verified, nil
	case "updated_at":
		var seconds int64
		if node.Decode(&seconds) != nil {
			return nil, errors.New("must be a number of seconds since 1970")
		}
		return seconds, nil
	case "address":
		var address map[string]string
		if node.Decode(&address) != nil {
			return nil, errors.New("must have members such as street_address, postal_code and country")
		}
		return address, nil
	}
	if slices.Contains(oauth.StandardClaims(), name) {
		return scalar(node)
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, errors.New("cannot be read")
	}
	if _, err := json.Marshal(value); err != nil {
		return nil, errors.New("cannot be written as JSON: its members need text as names, its numbers must be finite")
	}
	return value, nil
}

package oidc

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
)

// OpenID Connect Discovery §3 and §4, RFC 9207 §3

// algorithms may sign ID tokens. There is no symmetric one and no "none".
var algorithms = []string{oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA}

// metadata is what we need of what a provider says of itself.
type metadata struct {
	authorization, token, keys string
	// userinfo is "" where there is none.
	userinfo string
	// namesIssuer promises iss in every answer that the browser brings (RFC 9207).
	namesIssuer bool
	// auth is AuthBasic or AuthPost.
	auth string
}

// metadataAddress is where a provider describes itself: a slash at the end of its
// issuer is dropped first (OpenID Connect Discovery §4.1).
func metadataAddress(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// parseMetadata trusts a document only when it names the issuer byte for byte
// (OpenID Connect Discovery §4.3): otherwise one could speak for another.
func parseMetadata(body []byte, issuer string) (*metadata, error) {
	object, err := oauth.DecodeObject(body)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if named, _ := object["issuer"].(string); named != issuer {
		return nil, fmt.Errorf("metadata names the issuer %q, configured is %q: both must be the same, byte for byte", clip(named), issuer)
	}
	found := new(metadata)
	for _, member := range [...]struct {
		name     string
		into     *string
		optional bool
	}{
		{"authorization_endpoint", &found.authorization, false},
		{"token_endpoint", &found.token, false},
		{"jwks_uri", &found.keys, false},
		{"userinfo_endpoint", &found.userinfo, true},
	} {
		value, there := object[member.name]
		if !there && member.optional {
			continue
		}
		address, _ := value.(string)
		if err := outbound.CheckEndpoint(issuer, address); err != nil {
			return nil, fmt.Errorf("metadata: %s %w", member.name, err)
		}
		*member.into = address
	}
	found.namesIssuer, _ = object["authorization_response_iss_parameter_supported"].(bool)
	if offered, ok := oauth.StringsMember(object, "id_token_signing_alg_values_supported"); ok && offered != nil &&
		!slices.ContainsFunc(offered, func(alg string) bool { return slices.Contains(algorithms, alg) }) {
		return nil, fmt.Errorf("metadata: id_token_signing_alg_values_supported has none of %s", strings.Join(algorithms, ", "))
	}
	found.auth, err = chooseAuth(object)
	return found, err
}

// chooseAuth gives the way to authenticate that a provider offers. One that does
// not say takes Basic (OpenID Connect Discovery §3).
func chooseAuth(object map[string]any) (string, error) {
	offered, ok := oauth.StringsMember(object, "token_endpoint_auth_methods_supported")
	switch {
	case !ok:
		return "", errors.New("metadata: token_endpoint_auth_methods_supported is not a list of texts")
	case offered == nil || slices.Contains(offered, oauth.AuthMethodBasic):
		return AuthBasic, nil
	case slices.Contains(offered, oauth.AuthMethodPost):
		return AuthPost, nil
	}
	// A public client needs neither; the others are told by the token endpoint.
	return AuthBasic, nil
}

// clip keeps a stranger's text short in a log.
func clip(text string) string {
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return text
}

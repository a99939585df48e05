package token

import (
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7519 §4

// typeAssertion keeps an identity assertion from being taken for an access token
// or an ID token (RFC 8725 §3.11).
const typeAssertion = "identity-assertion+jwt"

// Assertion is what a gateway tells one upstream of a caller whom it verified.
type Assertion struct {
	// Audience is the upstream.
	Audience string
	// TokenIssuer is the issuer of the access token: the subject is its.
	TokenIssuer string
	// IssuedAt and Expires are cut to whole seconds.
	IssuedAt, Expires time.Time
	// Claims are those of the access token that the upstream is told.
	Claims map[string]any
}

// AssertionClaims are the claims that MintAssertion sets itself.
func AssertionClaims() []string {
	return []string{"iss", "aud", "iat", "exp", "nbf", "jti", "token_iss"}
}

// MintAssertion signs an assertion with ES256; the issuer of the Minter is its
// iss. What Claims say of registered claims does not count.
func (m *Minter) MintAssertion(assertion Assertion) (oauth.Secret, error) {
	claims := make(map[string]any, len(assertion.Claims)+6)
	maps.Copy(claims, assertion.Claims)
	for _, own := range AssertionClaims() {
		delete(claims, own)
	}
	claims["iss"] = m.issuer
	claims["aud"] = assertion.Audience
	claims["iat"] = assertion.IssuedAt.Unix()
	claims["exp"] = assertion.Expires.Unix()
	claims["jti"] = rand.Text()
	claims["token_iss"] = assertion.TokenIssuer
	text, err := m.sign(oauth.ES256, typeAssertion, claims)
	if err != nil {
		return oauth.Secret{}, fmt.Errorf("no identity assertion for %q: %w", assertion.Audience, err)
	}
	return oauth.NewSecret(text), nil
}

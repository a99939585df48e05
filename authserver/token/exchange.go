package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9068 §2.2

var errBound = errors.New("the token is bound to a key, and the JWT would not be")

// Exchange makes a JWT of an access token of this realm, for an upstream behind
// the API that the token is for. claims are those of a token that OpenAccess has
// opened. The JWT says the same of who may do what; its audience and its end are
// the caller's to choose, the end not after the token's own.
//
// It bears the jti, iat, grant and session of the token: what revokes one revokes
// the other, and what was issued before a time stays so. A token that is bound to a key is an error, for the JWT would not be.
func (m *Minter) Exchange(claims map[string]any, audience []string, now, expires time.Time) (oauth.Secret, Access, error) {
	access, err := accessOf(&claimReader{object: claims, ok: true})
	if err != nil {
		return oauth.Secret{}, Access{}, err
	}
	if access.Issuer != m.issuer {
		return oauth.Secret{}, Access{}, errIssuer
	}
	if _, bound := claims["cnf"]; bound {
		return oauth.Secret{}, Access{}, errBound
	}
	if !now.Before(access.Expires) {
		return oauth.Secret{}, Access{}, ErrExpired
	}
	if expires.Before(access.Expires) {
		access.Expires = wholeSeconds(expires)
	}
	access.Audience = audience
	if err := access.check(); err != nil {
		return oauth.Secret{}, Access{}, fmt.Errorf("no JWT for the upstream of client %q: %w", access.ClientID, err)
	}
	text, err := m.sign(oauth.ES256, typeAccess, claimsOf(access))
	if err != nil {
		return oauth.Secret{}, Access{}, fmt.Errorf("no JWT for the upstream of client %q: %w", access.ClientID, err)
	}
	return oauth.NewSecret(text), access, nil
}

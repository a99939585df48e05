package token

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// OpenID Connect Core §3.1.2.1

// OpenIDHint verifies an ID token of this realm given back as id_token_hint.
// Expiry does not count (OpenID Connect Core §3.1.2.1).
func (m *Minter) OpenIDHint(hint oauth.Secret) (subject, clientID string, err error) {
	payload, err := m.verify(hint.Reveal(), typeID)
	if err != nil {
		return "", "", err
	}
	claims := readClaims(payload)
	issuer, subject, clientID := claims.text("iss"), claims.text("sub"), claims.text("aud")
	switch {
	case !claims.ok || subject == "" || clientID == "":
		return "", "", errClaims
	case issuer != m.issuer:
		return "", "", errIssuer
	}
	return subject, clientID, nil
}

package token

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// OpenID Connect Core §3.1.2.1

// OpenIDHint verifies an ID token of this realm given back as id_token_hint.
// Expiry does not count (OpenID Connect Core §3.1.2.1).
func (m *Minter) OpenIDHint(hint oauth.Secret) (subject, clientID string, err error) {
	said, err := m.ReadHint(hint)
	return said.Subject, said.ClientID, err
}

// Hint is what an id_token_hint says: who signed in, for which client, and in
// which session, "" when it was none.
type Hint struct{ Subject, ClientID, SessionID string }

// ReadHint is OpenIDHint with all that the hint says.
func (m *Minter) ReadHint(hint oauth.Secret) (Hint, error) {
	payload, err := m.verify(hint.Reveal(), typeID)
	if err != nil {
		return Hint{}, err
	}
	claims := readClaims(payload)
	issuer := claims.text("iss")
	said := Hint{Subject: claims.text("sub"), ClientID: claims.text("aud"), SessionID: claims.text("sid")}
	switch {
	case !claims.ok || said.Subject == "" || said.ClientID == "":
		return Hint{}, errClaims
	case issuer != m.issuer:
		return Hint{}, errIssuer
	}
	return said, nil
}

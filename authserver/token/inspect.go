package token

import (
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Inspected is what a text of this realm's making says, dead or alive. One of
// its members is set.
type Inspected struct {
	// Access is an access token; Opaque says in which format.
	Access *Access
	Opaque bool
	// Refresh is a refresh token.
	Refresh *Refresh
	// CodeGrant is the id of the grant that a code is of, CodeHash what the store
	// knows of the code. That it is genuine shows in the grant alone.
	CodeGrant, CodeHash string
	// ID is an ID token.
	ID *InspectedID
}

// InspectedID is what an ID token says of what it came of.
type InspectedID struct {
	Subject, ClientID, SessionID string
	IssuedAt, Expires, AuthTime  time.Time
}

// Inspect reads whatever this realm has made, for operators: the signature, seal
// or MAC must be good, but not the time. ErrInvalid for all else.
func (m *Minter) Inspect(raw oauth.Secret) (Inspected, error) {
	text := raw.Reveal()
	if len(text) > oauth.MaxTokenBytes {
		return Inspected{}, ErrMalformed
	}
	switch KindOf(raw) {
	case RefreshToken:
		refresh, err := m.OpenRefresh(raw)
		return Inspected{Refresh: &refresh}, err
	case Code:
		grantID, hash, err := m.OpenCode(raw)
		return Inspected{CodeGrant: grantID, CodeHash: hash}, err
	case OpaqueAccess:
		payload, err := m.unseal(text)
		if err != nil {
			return Inspected{}, err
		}
		return m.inspectAccess(payload, true)
	default:
		return m.inspectJWT(text)
	}
}

func (m *Minter) inspectAccess(payload []byte, opaque bool) (Inspected, error) {
	access, err := accessOf(readClaims(payload))
	if err == nil && access.Issuer != m.issuer {
		err = errIssuer
	}
	return Inspected{Access: &access, Opaque: opaque}, err
}

func (m *Minter) inspectJWT(text string) (Inspected, error) {
	jws, err := oauth.ParseJWS(text)
	if err != nil {
		return Inspected{}, ErrMalformed
	}
	if jws.MediaType() != strings.ToLower(typeID) {
		payload, err := m.verify(text, typeAccess)
		if err != nil {
			return Inspected{}, err
		}
		return m.inspectAccess(payload, false)
	}
	payload, err := m.verify(text, typeID)
	if err != nil {
		return Inspected{}, err
	}
	claims := readClaims(payload)
	issuer := claims.text("iss")
	id := &InspectedID{
		Subject: claims.text("sub"), ClientID: claims.text("aud"), SessionID: claims.text("sid"),
		IssuedAt: claims.time("iat"), Expires: claims.time("exp"), AuthTime: claims.time("auth_time"),
	}
	switch {
	case !claims.ok:
		return Inspected{}, errClaims
	case issuer != m.issuer:
		return Inspected{}, errIssuer
	}
	return Inspected{ID: id}, nil
}

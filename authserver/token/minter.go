package token

import (
	"errors"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

// ErrInvalid is a text that is not a good token of this realm. The errors that
// wrap it say why, for logs: the caller learns nothing but invalid.
var ErrInvalid = errors.New("invalid token")

var (
	// ErrMalformed is a text that no token can be.
	ErrMalformed = fmt.Errorf("%w: malformed", ErrInvalid)
	// ErrExpired is a token that was good until its end.
	ErrExpired = fmt.Errorf("%w: expired", ErrInvalid)

	errType   = fmt.Errorf("%w: of another type", ErrInvalid)
	errKey    = fmt.Errorf("%w: by an unknown key", ErrInvalid)
	errForged = fmt.Errorf("%w: forged or of another realm", ErrInvalid)
	errIssuer = fmt.Errorf("%w: of another issuer", ErrInvalid)
	errClaims = fmt.Errorf("%w: claims missing or of the wrong type", ErrInvalid)
)

// Minter makes and opens the tokens of one realm. It is immutable, but for what
// it remembers, and safe for concurrent use.
type Minter struct {
	realm, issuer string
	ring          *keys.Ring
	// sealedFor is the associated data of sealed access tokens.
	sealedFor []byte
	opened    opened
}

// NewMinter makes the Minter of a realm.
func NewMinter(realm, issuer string, ring *keys.Ring) *Minter {
	return &Minter{
		realm: realm, issuer: issuer, ring: ring,
		// Quoting keeps the fields apart.
		sealedFor: fmt.Appendf(nil, "%s %q %q", accessPrefix, realm, issuer),
	}
}

package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6749 §1.5 and §6

// Refresh is what a refresh token says.
type Refresh struct {
	// KeyID is the realm's key that its MAC is made with, fixed for the life of
	// its family.
	KeyID string
	// GrantID names its family, Generation its place in it: 1 is the first.
	GrantID    string
	Generation uint32
}

// RefreshKeyID is the key to bind a new family to.
func (m *Minter) RefreshKeyID() string { return m.ring.Secret(store.KeyRefresh).ID }

// MintRefresh derives the refresh token of a generation. The same input gives
// the same token on every node, so a retry needs nothing stored.
func (m *Minter) MintRefresh(refresh Refresh) (oauth.Secret, error) {
	key, ok := m.ring.SecretByID(store.KeyRefresh, refresh.KeyID)
	if !ok {
		return oauth.Secret{}, fmt.Errorf("realm %s has no refresh key %q", m.realm, refresh.KeyID)
	}
	if !isHex(refresh.GrantID, grantIDDigits) || refresh.Generation == 0 {
		return oauth.Secret{}, fmt.Errorf("no refresh token has grant id %q and generation %d", refresh.GrantID, refresh.Generation)
	}
	// The realm is the only field without a fixed width, so that no two inputs
	// give the same bytes.
	body := fmt.Sprintf("%s_%08x", refresh.GrantID, refresh.Generation)
	mac := hmac.New(sha256.New, key.Key)
	mac.Write([]byte("rt" + m.realm + body))
	return oauth.NewSecret(refreshPrefix + key.ID + "_" + body + "_" + encode(mac.Sum(nil))), nil
}

// maxRefreshBytes is well above the length of every refresh token.
const maxRefreshBytes = 128

// OpenRefresh checks the MAC and reads a refresh token of this realm. A good
// one is, byte for byte, the one that MintRefresh makes of what it says.
func (m *Minter) OpenRefresh(token oauth.Secret) (Refresh, error) {
	text := token.Reveal()
	fields, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(text) > maxRefreshBytes {
		return Refresh{}, ErrMalformed
	}
	keyID, fields, _ := strings.Cut(fields, "_")
	grantID, fields, _ := strings.Cut(fields, "_")
	generation, _, _ := strings.Cut(fields, "_")
	number, err := strconv.ParseUint(generation, 16, 32)
	if err != nil {
		return Refresh{}, ErrMalformed
	}
	refresh := Refresh{KeyID: keyID, GrantID: grantID, Generation: uint32(number)}
	want, err := m.MintRefresh(refresh)
	if err != nil || !want.Equal(token) {
		return Refresh{}, errForged
	}
	return refresh, nil
}

package token

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// seal makes the opaque form of an access token: its claims, sealed with the
// realm's key for access tokens, after the prefix and the id of that key. Realm
// and issuer are associated data.
func (m *Minter) seal(claims accessClaims) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	key := m.ring.Secret(store.KeyAccess)
	aead, err := chacha20poly1305.NewX(key.Key)
	if err != nil {
		return "", fmt.Errorf("seal with key %s: %w", key.ID, err)
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(payload)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return accessPrefix + key.ID + "_" + encode(aead.Seal(nonce, nonce, payload, m.sealedFor)), nil
}

// unseal gives the payload of a text that seal has made in this realm.
func (m *Minter) unseal(text string) ([]byte, error) {
	keyID, sealed64, _ := strings.Cut(strings.TrimPrefix(text, accessPrefix), "_")
	sealed, ok := decode(sealed64)
	if !ok || len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrMalformed
	}
	key, ok := m.ring.SecretByID(store.KeyAccess, keyID)
	if !ok {
		return nil, errKey
	}
	aead, err := chacha20poly1305.NewX(key.Key)
	if err != nil {
		return nil, fmt.Errorf("open with key %s: %w", key.ID, err)
	}
	nonce, sealed := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	payload, err := aead.Open(nil, nonce, sealed, m.sealedFor)
	if err != nil {
		return nil, errForged
	}
	return payload, nil
}

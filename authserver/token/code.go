package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6749 §4.1.2

// codeSecretBytes makes guessing a code hopeless (AS4).
const codeSecretBytes = 32

// NewCode makes a code for a grant id, and the hash to store: the hex SHA-256
// of the code's secret part. The secret itself is kept nowhere.
func (m *Minter) NewCode(grantID string) (code oauth.Secret, hash string) {
	secret := make([]byte, codeSecretBytes)
	_, _ = rand.Read(secret) // never fails
	return oauth.NewSecret(codePrefix + grantID + "_" + encode(secret)), codeHash(secret)
}

// OpenCode reads the grant id and the hash of the secret part of a code. It
// says nothing of whether there is such a grant: the store compares the hash.
func (m *Minter) OpenCode(code oauth.Secret) (grantID, hash string, err error) {
	fields, ok := strings.CutPrefix(code.Reveal(), codePrefix)
	grantID, secret64, _ := strings.Cut(fields, "_")
	if !ok || !isHex(grantID, grantIDDigits) || len(secret64) > 2*codeSecretBytes {
		return "", "", ErrMalformed
	}
	secret, ok := decode(secret64)
	if !ok || len(secret) != codeSecretBytes {
		return "", "", ErrMalformed
	}
	return grantID, codeHash(secret), nil
}

func codeHash(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}

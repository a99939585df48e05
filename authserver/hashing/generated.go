package hashing

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	generatedPrefix = "$sha256$"
	// generatedBytes is the entropy of a generated secret: 256 bits.
	generatedBytes = 32
)

// generated is the SHA-256 of a secret that Generate made. Nobody guesses 256
// bits, so a fast digest is enough (F27), and it is the same in every process.
type generated struct{ sum [sha256.Size]byte }

// Generate makes a secret that nobody can guess, and the digest to keep of it.
func Generate() (oauth.Secret, store.SecretDigest) {
	raw := make([]byte, generatedBytes)
	_, _ = rand.Read(raw) // never fails
	secret := oauth.NewSecret(base64.RawURLEncoding.EncodeToString(raw))
	sum := secret.Digest()
	return secret, store.SecretDigest(generatedPrefix + base64.RawURLEncoding.EncodeToString(sum[:]))
}

func parseGenerated(text string) (*generated, error) {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text[len(generatedPrefix):])
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("is not the digest of a generated secret")
	}
	return &generated{[sha256.Size]byte(sum)}, nil
}

func (g *generated) kind() Kind { return Fast }

func (g *generated) cost() int64 { return 1 }

func (g *generated) matches(secret string) bool {
	sum := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(g.sum[:], sum[:]) == 1
}

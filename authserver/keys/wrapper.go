package keys

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const wrappingKeyBytes = 32

// Wrapper seals private keys with the operator's key, which lives outside the
// database.
type Wrapper struct {
	aead  cipher.AEAD
	check string
}

// NewWrapper takes the operator's key, 32 bytes.
func NewWrapper(key []byte) (*Wrapper, error) {
	if len(key) != wrappingKeyBytes {
		return nil, fmt.Errorf("the encryption key has %d bytes and needs %d; make one with: openssl rand -base64 %d",
			len(key), wrappingKeyBytes, wrappingKeyBytes)
	}
	// Two keys are derived from the operator's: what is shown as the check value
	// has nothing to do with what seals.
	sealing, err := hkdf.Key(sha256.New, key, nil, "caddy-oauth2 wrap", chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive the wrapping key: %w", err)
	}
	check, err := hkdf.Key(sha256.New, key, nil, "caddy-oauth2 check value", 16)
	if err != nil {
		return nil, fmt.Errorf("derive the check value: %w", err)
	}
	aead, err := chacha20poly1305.NewX(sealing)
	if err != nil {
		return nil, fmt.Errorf("prepare the wrapping key: %w", err)
	}
	return &Wrapper{aead: aead, check: hex.EncodeToString(check)}, nil
}

// CheckValue proves that two wrappers hold the same key without telling it.
func (w *Wrapper) CheckValue() string { return w.check }

// wrap seals the secret part of key for its row.
func (w *Wrapper) wrap(key store.Key, secret []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(secret)+w.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return w.aead.Seal(nonce, nonce, secret, wrappedFor(key))
}

var errUnwrap = errors.New("the encryption key is not the one it was stored under, or its row was changed; start with the encryption key that belongs to this database")

// unwrap opens what wrap has sealed for the same row.
func (w *Wrapper) unwrap(key store.Key) ([]byte, error) {
	if len(key.Wrapped) < chacha20poly1305.NonceSizeX {
		return nil, errUnwrap
	}
	nonce, sealed := key.Wrapped[:chacha20poly1305.NonceSizeX], key.Wrapped[chacha20poly1305.NonceSizeX:]
	secret, err := w.aead.Open(nil, nonce, sealed, wrappedFor(key))
	if err != nil {
		return nil, errUnwrap
	}
	return secret, nil
}

// wrappedFor binds a sealed key to its place: whoever can write to the database
// still cannot make one realm or purpose use the key of another. Quoting keeps
// the fields apart.
func wrappedFor(key store.Key) []byte {
	return fmt.Appendf(nil, "%q %q %q %q", key.Realm, key.Purpose, key.Algorithm, key.ID)
}

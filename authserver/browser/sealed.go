package browser

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// MaxSealed bounds what Seal gives, so that a browser keeps it as a cookie
// (RFC 6265 §6.1).
const MaxSealed = 3800

var (
	// ErrSealed is a text that Seal did not give for this purpose, or that is over.
	ErrSealed = errors.New("not sealed here, or expired")
	// ErrTooLong is more than MaxSealed.
	ErrTooLong = errors.New("too long to be kept by a browser")
)

// sealed is what stands inside.
type sealed struct {
	Expires int64           `json:"e"`
	Value   json.RawMessage `json:"v"`
}

// Seal gives a value to the browser to keep until it expires: a sign-in that is
// not complete, the secret of a factor that is not confirmed. Nobody else can read
// or make it, and it is good for its purpose alone. It can be shown any number of
// times: what must happen once is a step of the store.
func (f Forms) Seal(purpose string, value any, expires time.Time) (oauth.Secret, error) {
	inside, err := json.Marshal(value)
	if err != nil {
		return oauth.Secret{}, err
	}
	text, err := json.Marshal(sealed{expires.Unix(), inside})
	if err != nil {
		return oauth.Secret{}, err
	}
	box, err := boxOf(f.ring.Secret(store.KeyForm).Key, purpose)
	if err != nil {
		return oauth.Secret{}, err
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(text)+box.Overhead())
	_, _ = rand.Read(nonce) // never fails
	out := base64.RawURLEncoding.EncodeToString(box.Seal(nonce, nonce, text, nil))
	if len(out) > MaxSealed {
		return oauth.Secret{}, ErrTooLong
	}
	return oauth.NewSecret(out), nil
}

// Open reads what Seal gave for a purpose into value. ErrSealed when it is
// something else.
func (f Forms) Open(purpose string, text oauth.Secret, now time.Time, value any) error {
	if len(text.Reveal()) > MaxSealed {
		return ErrSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text.Reveal())
	if err != nil {
		return ErrSealed
	}
	for _, key := range f.ring.Secrets(store.KeyForm) {
		box, err := boxOf(key.Key, purpose)
		if err != nil {
			return err
		}
		if len(raw) < box.NonceSize() {
			return ErrSealed
		}
		plain, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], nil)
		if err != nil {
			continue
		}
		var inside sealed
		if err := json.Unmarshal(plain, &inside); err != nil {
			return fmt.Errorf("%w: %w", ErrSealed, err)
		}
		if now.Unix() >= inside.Expires {
			return ErrSealed
		}
		return json.Unmarshal(inside.Value, value)
	}
	return ErrSealed
}

// boxOf derives a key for one purpose, apart from the one that authenticates
// forms.
func boxOf(key []byte, purpose string) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, "caddy-oauth2 sealed "+purpose, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(derived)
}

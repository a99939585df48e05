package factor

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// What the realm's factor key is used for: a key is derived for each.
const (
	useSeal      = "seal"
	useRecovery  = "recovery"
	useChallenge = "challenge"
)

var errSealed = errors.New("a stored secret cannot be opened")

// derive gives the key for one use.
func derive(key keys.Secret, use string) ([]byte, error) {
	if len(key.Key) == 0 {
		return nil, errors.New("the realm has no factor key")
	}
	return hkdf.Key(sha256.New, key.Key, nil, "caddy-oauth2 factor "+use, chacha20poly1305.KeySize)
}

// seal encrypts a secret of an account: kid, dot, nonce and box in base64.
func (f *Factors) seal(account store.Account, secret []byte) (string, error) {
	key := f.parts.Keys.Secret(store.KeyFactor)
	box, err := boxOf(key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(secret)+box.Overhead())
	_, _ = rand.Read(nonce) // never fails
	sealed := box.Seal(nonce, nonce, secret, f.owner(account))
	return key.ID + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// unseal opens what seal gave for the same account. current says whether it was
// sealed with the key that is active now.
func (f *Factors) unseal(account store.Account, sealed string) (secret []byte, current bool, err error) {
	kid, text, _ := strings.Cut(sealed, ".")
	key, ok := f.parts.Keys.SecretByID(store.KeyFactor, kid)
	if !ok {
		return nil, false, fmt.Errorf("%w: the realm's factor key %q is gone; remove the account's factors, for they cannot be used any more", errSealed, kid)
	}
	box, err := boxOf(key)
	if err != nil {
		return nil, false, err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < box.NonceSize() {
		return nil, false, errSealed
	}
	secret, err = box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], f.owner(account))
	if err != nil {
		return nil, false, errSealed
	}
	return secret, kid == f.parts.Keys.Secret(store.KeyFactor).ID, nil
}

func boxOf(key keys.Secret) (cipher.AEAD, error) {
	derived, err := derive(key, useSeal)
	if err != nil {
		return nil, err
	}
	return chacha20poly1305.NewX(derived)
}

// owner names an account of the realm as no other account of any realm is named.
func (f *Factors) owner(account store.Account) []byte {
	return join(f.parts.Realm, account.Service, account.ID)
}

// join makes one text of several that no others make.
func join(parts ...string) []byte {
	var out []byte
	for _, part := range parts {
		out = binary.AppendUvarint(out, uint64(len(part)))
		out = append(out, part...)
	}
	return out
}

// mac authenticates a message for one use.
func mac(key keys.Secret, use string, message []byte) ([]byte, error) {
	derived, err := derive(key, use)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, derived)
	h.Write(message)
	return h.Sum(nil), nil
}

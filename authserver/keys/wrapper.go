package keys

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const wrappingKeyBytes = 32

// Wrapper seals private keys with the operator's key, which lives outside the
// database. It may hold earlier keys of the operator too: those open what is
// still sealed with them, and seal for as long as the store says so.
type Wrapper struct {
	keys atomic.Pointer[[]wrappingKey] // the configured one first
}

// wrappingKey is what is derived from one key of the operator.
type wrappingKey struct {
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
	return wrapperOf([]wrappingKey{{aead: aead, check: hex.EncodeToString(check)}}), nil
}

func wrapperOf(keys []wrappingKey) *Wrapper {
	w := new(Wrapper)
	w.keys.Store(&keys)
	return w
}

// WithPrevious is w that also opens what an earlier key has sealed.
func (w *Wrapper) WithPrevious(earlier *Wrapper) *Wrapper {
	keys := slices.Clone(*w.keys.Load())
	for _, key := range *earlier.keys.Load() {
		if !slices.ContainsFunc(keys, key.same) {
			keys = append(keys, key)
		}
	}
	return wrapperOf(keys)
}

// Adopt makes w what newer is, for all who hold w. What w could open it opens
// still.
func (w *Wrapper) Adopt(newer *Wrapper) { w.keys.Store(newer.WithPrevious(w).keys.Load()) }

func (k wrappingKey) same(other wrappingKey) bool { return k.check == other.check }

// CheckValue proves that two wrappers have the same key configured without
// telling it.
func (w *Wrapper) CheckValue() string { return (*w.keys.Load())[0].check }

// Opens says whether one of the keys is the one of a check value.
func (w *Wrapper) Opens(check string) bool {
	_, ok := w.byCheck(check)
	return ok
}

func (w *Wrapper) byCheck(check string) (wrappingKey, bool) {
	keys := *w.keys.Load()
	i := slices.IndexFunc(keys, wrappingKey{check: check}.same)
	if i < 0 {
		return wrappingKey{}, false
	}
	return keys[i], true
}

// sealing is the key that wraps now. With several that is for the store to say,
// so that no node uses a new one before all can open what it seals.
func (w *Wrapper) sealing(ctx context.Context, st store.Store) (wrappingKey, error) {
	keys := *w.keys.Load()
	if len(keys) == 1 {
		return keys[0], nil
	}
	check, err := st.Remember(ctx, store.EncryptionKeyCheck, keys[0].check)
	if err != nil {
		return wrappingKey{}, fmt.Errorf("read the check value of the encryption key: %w", err)
	}
	key, ok := w.byCheck(check)
	if !ok {
		return wrappingKey{}, errUnwrap
	}
	return key, nil
}

// wrap seals the secret part of key for its row.
func (k wrappingKey) wrap(key store.Key, secret []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(secret)+k.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return k.aead.Seal(nonce, nonce, secret, wrappedFor(key))
}

var errUnwrap = errors.New("the encryption key is not the one it was stored under, or its row was changed; start with the encryption key that belongs to this database")

// unwrap opens what wrap has sealed for the same row, with whichever key it was.
func (w *Wrapper) unwrap(key store.Key) ([]byte, error) {
	if len(key.Wrapped) < chacha20poly1305.NonceSizeX {
		return nil, errUnwrap
	}
	nonce, sealed := key.Wrapped[:chacha20poly1305.NonceSizeX], key.Wrapped[chacha20poly1305.NonceSizeX:]
	for _, operators := range *w.keys.Load() {
		if secret, err := operators.aead.Open(nil, nonce, sealed, wrappedFor(key)); err == nil {
			return secret, nil
		}
	}
	return nil, errUnwrap
}

// Rewrap seals every key of the store with the configured key, which is from
// then on the one that wraps, and says how many it sealed anew. Afterwards no
// earlier key is needed.
func (w *Wrapper) Rewrap(ctx context.Context, st store.Store) (int, error) {
	configured := (*w.keys.Load())[0]
	return st.RewrapKeys(ctx, configured.check, func(key store.Key) ([]byte, error) {
		secret, err := w.unwrap(key)
		if err != nil {
			return nil, err
		}
		return configured.wrap(key, secret), nil
	})
}

// wrappedFor binds a sealed key to its place: whoever can write to the database
// still cannot make one realm or purpose use the key of another. Quoting keeps
// the fields apart.
func wrappedFor(key store.Key) []byte {
	return fmt.Appendf(nil, "%q %q %q %q", key.Realm, key.Purpose, key.Algorithm, key.ID)
}

package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 7518 §3.1

const (
	rsaBits         = 2048
	symmetricBytes  = 32
	algorithmXC20P  = "XC20P" // XChaCha20-Poly1305
	algorithmHMAC   = "HS256"
	keyIDRandomSize = 8
)

// Kind is keys of one purpose and algorithm: one of them is active.
type Kind struct {
	Purpose   store.KeyPurpose
	Algorithm string
}

func kindOf(key store.Key) Kind { return Kind{key.Purpose, key.Algorithm} }

// RealmKinds are the keys that a realm has: for each signing algorithm, and
// those that every realm has besides.
func RealmKinds(algorithms ...string) []Kind {
	return append(SigningKinds(algorithms...),
		Kind{store.KeyAccess, algorithmXC20P}, Kind{store.KeyRefresh, algorithmHMAC}, Kind{store.KeyForm, algorithmHMAC}, Kind{store.KeyFactor, algorithmHMAC})
}

// SigningKinds are the keys of signing algorithms alone.
func SigningKinds(algorithms ...string) []Kind {
	kinds := make([]Kind, 0, len(algorithms)+3)
	for _, algorithm := range algorithms {
		kinds = append(kinds, Kind{store.KeySign, algorithm})
	}
	return kinds
}

// NonceKind is the key of the nonces of DPoP proofs.
var NonceKind = Kind{store.KeyNonce, algorithmHMAC}

// newKey makes a key, wrapped.
func newKey(operators wrappingKey, realm string, kind Kind, now time.Time) (store.Key, error) {
	id := make([]byte, keyIDRandomSize)
	_, _ = rand.Read(id) // never fails
	key := store.Key{
		Realm:     realm,
		ID:        hex.EncodeToString(id),
		Purpose:   kind.Purpose,
		Algorithm: kind.Algorithm,
		State:     store.KeyActive,
		WrappedBy: operators.check,
		Created:   now,
		Since:     now,
	}
	secret, err := newSecret(kind.Purpose, kind.Algorithm)
	if err != nil {
		return key, err
	}
	key.Wrapped = operators.wrap(key, secret)
	return key, nil
}

// newSecret makes what is wrapped: a private key as PKCS #8, or random bytes.
func newSecret(purpose store.KeyPurpose, algorithm string) ([]byte, error) {
	if purpose != store.KeySign {
		secret := make([]byte, symmetricBytes)
		_, _ = rand.Read(secret) // never fails
		return secret, nil
	}
	private, err := newPrivateKey(algorithm)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

func newPrivateKey(algorithm string) (any, error) {
	switch algorithm {
	case oauth.RS256, oauth.PS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case oauth.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case oauth.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case oauth.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("we make no %s keys; choose RS256, PS256, ES256, ES384 or EdDSA", algorithm)
	}
}

// parsePrivateKey reads what newSecret has made for a signing key.
func parsePrivateKey(secret []byte) (crypto.Signer, error) {
	private, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		// The cause could quote the key.
		return nil, errors.New("its private key is not PKCS #8")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("its private key cannot sign")
	}
	return signer, nil
}

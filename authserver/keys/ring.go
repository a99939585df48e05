package keys

import (
	"context"
	"crypto"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Ring is the keys of one realm, opened. It is immutable and safe for
// concurrent use.
type Ring struct {
	realm   string
	signers map[string]Signer // by algorithm
	verify  map[string]oauth.VerifyKey
	active  map[store.KeyPurpose]Secret
	secrets map[secretName]Secret
	public  []publicKey
	jwks    []byte
	etag    string
}

type secretName struct {
	purpose store.KeyPurpose
	id      string
}

// Signer is a private key ready to sign.
type Signer struct {
	KeyID     string
	Algorithm string
	Key       crypto.Signer
}

// Secret is a symmetric key of 32 bytes.
type Secret struct {
	ID  string
	Key []byte
}

// Open loads the keys of a realm and makes those that are missing: one signing
// key for each of algorithms and one key for each symmetric purpose. Nodes that
// open a new realm at the same time end with the same keys.
func Open(ctx context.Context, st store.Store, wrapper *Wrapper, realm string, algorithms []string, now time.Time) (*Ring, error) {
	r := &Ring{
		realm:   realm,
		signers: map[string]Signer{},
		verify:  map[string]oauth.VerifyKey{},
		active:  map[store.KeyPurpose]Secret{},
		secrets: map[secretName]Secret{},
	}
	stored, err := st.Keys(ctx, realm)
	if err != nil {
		return nil, fmt.Errorf("list the keys of realm %s: %w", realm, err)
	}
	for _, key := range stored {
		if err := r.add(wrapper, key); err != nil {
			return nil, err
		}
	}
	create := func(purpose store.KeyPurpose, algorithm string) error {
		key, err := newKey(wrapper, realm, purpose, algorithm, now)
		if err != nil {
			return fmt.Errorf("make a key for realm %s: %w", realm, err)
		}
		// The store decides whose key it is when several nodes make one.
		if key, err = st.CreateKey(ctx, key); err != nil {
			return fmt.Errorf("store a key of realm %s: %w", realm, err)
		}
		return r.add(wrapper, key)
	}
	for _, algorithm := range algorithms {
		if _, ok := r.signers[algorithm]; ok {
			continue
		}
		if err := create(store.KeySign, algorithm); err != nil {
			return nil, err
		}
	}
	for _, kind := range symmetric {
		if _, ok := r.active[kind.purpose]; ok {
			continue
		}
		if err := create(kind.purpose, kind.algorithm); err != nil {
			return nil, err
		}
	}
	if r.jwks, r.etag, err = publish(r.public); err != nil {
		return nil, fmt.Errorf("publish the keys of realm %s: %w", realm, err)
	}
	return r, nil
}

// add unwraps one key and puts it where its purpose and state say.
func (r *Ring) add(wrapper *Wrapper, key store.Key) error {
	secret, err := wrapper.unwrap(key)
	if err != nil {
		return fmt.Errorf("key %s of realm %s cannot be opened: %w", key.ID, r.realm, err)
	}
	if key.Purpose == store.KeySign {
		if err := r.addSigning(key, secret); err != nil {
			return fmt.Errorf("key %s of realm %s cannot be used: %w", key.ID, r.realm, err)
		}
		return nil
	}
	if len(secret) != symmetricBytes {
		return fmt.Errorf("key %s of realm %s cannot be used: it has %d bytes, want %d", key.ID, r.realm, len(secret), symmetricBytes)
	}
	opened := Secret{ID: key.ID, Key: secret}
	r.secrets[secretName{key.Purpose, key.ID}] = opened
	if key.State == store.KeyActive {
		r.active[key.Purpose] = opened
	}
	return nil
}

func (r *Ring) addSigning(key store.Key, secret []byte) error {
	private, err := parsePrivateKey(secret)
	if err != nil {
		return err
	}
	verify, err := oauth.NewVerifyKey(key.ID, key.Algorithm, private.Public())
	if err != nil {
		return err
	}
	active := key.State == store.KeyActive
	r.verify[key.ID] = verify
	r.public = append(r.public, publicKey{id: key.ID, algorithm: key.Algorithm, active: active, key: private.Public()})
	if active {
		r.signers[key.Algorithm] = Signer{KeyID: key.ID, Algorithm: key.Algorithm, Key: private}
	}
	return nil
}

// Signer gives the active signing key of an algorithm.
func (r *Ring) Signer(algorithm string) (Signer, error) {
	signer, ok := r.signers[algorithm]
	if !ok {
		return Signer{}, fmt.Errorf("realm %s has no %s key to sign with", r.realm, algorithm)
	}
	return signer, nil
}

// VerifyKey finds a public key of this realm by kid, retired ones included.
func (r *Ring) VerifyKey(keyID string) (oauth.VerifyKey, bool) {
	key, ok := r.verify[keyID]
	return key, ok
}

// JWKS is the public key set as published (RFC 7517), with its strong ETag.
// The document is shared: callers only read it.
func (r *Ring) JWKS() (document []byte, etag string) { return r.jwks, r.etag }

// Secret gives the active symmetric key of a purpose. Open has seen to it that
// there is one.
func (r *Ring) Secret(purpose store.KeyPurpose) Secret { return r.active[purpose] }

// SecretByID finds a symmetric key of a purpose by its id, retired ones
// included.
func (r *Ring) SecretByID(purpose store.KeyPurpose, id string) (Secret, bool) {
	secret, ok := r.secrets[secretName{purpose, id}]
	return secret, ok
}

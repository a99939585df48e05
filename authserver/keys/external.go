package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7638 §3

// External is a private key that is not in the store: in a file, a key service
// or a security module. It signs in place of the store's keys of its algorithm.
type External struct {
	signer Signer
	verify oauth.VerifyKey
	// Since is when it was first published. It signs as late after that as any
	// key.
	Since time.Time
}

// NewExternal takes a private key for an algorithm; "" is the one that such a key
// is used for, RS256 for an RSA key. Its kid is its thumbprint.
func NewExternal(algorithm string, key crypto.Signer) (External, error) {
	public := key.Public()
	if algorithm == "" {
		algorithm = usualAlgorithm(public)
	}
	switch algorithm {
	case oauth.RS256, oauth.PS256, oauth.ES256, oauth.ES384, oauth.EdDSA:
	default:
		return External{}, fmt.Errorf("we sign with RS256, PS256, ES256, ES384 and EdDSA; this is a %T for %q", public, algorithm)
	}
	entry, err := jwk.FromRaw(public)
	if err != nil {
		return External{}, fmt.Errorf("its public key cannot be published: %w", err)
	}
	thumbprint, err := entry.Thumbprint(crypto.SHA256)
	if err != nil {
		return External{}, fmt.Errorf("its public key cannot be published: %w", err)
	}
	keyID := base64.RawURLEncoding.EncodeToString(thumbprint)
	verify, err := oauth.NewVerifyKey(keyID, algorithm, public)
	if err != nil {
		return External{}, err
	}
	return External{
		signer: Signer{KeyID: keyID, Algorithm: algorithm, Key: checked{key}},
		verify: verify,
	}, nil
}

// KeyID is the kid of the key.
func (e External) KeyID() string { return e.signer.KeyID }

// Algorithm is what it signs with.
func (e External) Algorithm() string { return e.signer.Algorithm }

func usualAlgorithm(public crypto.PublicKey) string {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return oauth.RS256
	case *ecdsa.PublicKey:
		switch key.Params().BitSize {
		case 256:
			return oauth.ES256
		case 384:
			return oauth.ES384
		}
	case ed25519.PublicKey:
		return oauth.EdDSA
	}
	return ""
}

// checked looks at each signature before anybody gets it: what is not made here
// may be wrong, and then there is no token rather than one that nobody takes.
type checked struct{ crypto.Signer }

var errBadSignature = errors.New("the signer gave a signature that its own public key does not verify")

// Sign implements crypto.Signer.
func (c checked) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := c.Signer.Sign(random, digest, opts)
	if err != nil {
		return nil, fmt.Errorf("the signer failed: %w", err)
	}
	good := false
	switch key := c.Public().(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			good = rsa.VerifyPSS(key, pss.Hash, digest, signature, pss) == nil
		} else {
			good = rsa.VerifyPKCS1v15(key, opts.HashFunc(), digest, signature) == nil
		}
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, digest, signature)
	case ed25519.PublicKey:
		good = ed25519.Verify(key, digest, signature)
	}
	if !good {
		return nil, errBadSignature
	}
	return signature, nil
}

package introspect

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7523 §3, RFC 7517, RFC 7518 §3.1

// assertionFor is how long a client assertion counts. It is sent at once.
const assertionFor = time.Minute

// ClientKey is the private key by which we authenticate with private_key_jwt.
type ClientKey struct {
	keyID, algorithm string
	signer           crypto.Signer
	digest           [sha256.Size]byte
}

// ParseClientKey reads one private key: a JWK, or PEM (PKCS #8, PKCS #1 or
// SEC 1). The algorithm is the alg of the JWK, else what fits the key: RS256,
// ES256, ES384 or EdDSA; PS256 has to be said. The errors show nothing of the key.
func ParseClientKey(text oauth.Secret) (*ClientKey, error) {
	data := bytes.TrimSpace([]byte(text.Reveal()))
	parsed, err := jwk.ParseKey(data, jwk.WithPEM(bytes.HasPrefix(data, []byte("-----BEGIN"))))
	if err != nil {
		return nil, errors.New("it is neither one JWK nor a private key in PEM form")
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, errors.New("the key in it cannot be read")
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return nil, errors.New("it holds no private key for signatures: a public key or a shared secret cannot sign for us")
	}
	algorithm := parsed.Algorithm().String()
	fitting := fittingAlgorithms(signer)
	switch {
	case len(fitting) == 0:
		return nil, errors.New("its type is not supported: use RSA, EC on P-256 or P-384, or Ed25519")
	case algorithm == "":
		algorithm = fitting[0]
	case !slices.Contains(fitting, algorithm):
		return nil, fmt.Errorf("its alg %q does not fit: this key can do %v", clip(algorithm), fitting)
	}
	// Refuses what is too weak to trust.
	if _, err := oauth.NewVerifyKey(parsed.KeyID(), algorithm, signer.Public()); err != nil {
		return nil, err
	}
	return &ClientKey{parsed.KeyID(), algorithm, signer, sha256.Sum256(data)}, nil
}

// fittingAlgorithms are those that a key can be used with, the usual one first.
func fittingAlgorithms(signer crypto.Signer) []string {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		return []string{oauth.RS256, oauth.PS256}
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{oauth.ES256}
		case elliptic.P384():
			return []string{oauth.ES384}
		}
	case ed25519.PrivateKey:
		return []string{oauth.EdDSA}
	}
	return nil
}

// assertion makes a JWT that says who we are, for the issuer alone, once.
func (k *ClientKey) assertion(client, issuer string, now time.Time) (oauth.Secret, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": client, "sub": client, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionFor).Unix(),
	})
	if err != nil {
		return oauth.Secret{}, err
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "JWT"); err != nil {
		return oauth.Secret{}, err
	}
	if k.keyID != "" {
		if err := headers.Set(jws.KeyIDKey, k.keyID); err != nil {
			return oauth.Secret{}, err
		}
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(k.algorithm), k.signer, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return oauth.Secret{}, errors.New("signing the client assertion failed")
	}
	return oauth.NewSecret(string(signed)), nil
}

package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7515 §5.1, RFC 7518 §3

// The typ of each kind of JWT that we sign: one is never taken for another
// (RFC 8725 §3.11).
const (
	typeAccess = "at+jwt" // RFC 9068 §2.1
	typeID     = "JWT"
	typeLogout = "logout+jwt"
)

// sign makes the compact JWS of claims.
func (m *Minter) sign(algorithm, typ string, claims any) (string, error) {
	signer, err := m.ring.Signer(algorithm)
	if err != nil {
		return "", err
	}
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}{signer.Algorithm, signer.KeyID, typ})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	input := encode(header) + "." + encode(payload)
	signature, err := signatureOf(signer, []byte(input))
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", signer.KeyID, err)
	}
	return input + "." + encode(signature), nil
}

func signatureOf(signer keys.Signer, input []byte) ([]byte, error) {
	if signer.Algorithm == oauth.EdDSA {
		return signer.Key.Sign(rand.Reader, input, crypto.Hash(0))
	}
	hash := hashOf(signer.Algorithm)
	var options crypto.SignerOpts = hash
	if strings.HasPrefix(signer.Algorithm, "PS") {
		// RFC 7518 §3.5: the salt is as long as the hash.
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	signature, err := signer.Key.Sign(rand.Reader, digest(hash, input), options)
	if public, ok := signer.Key.Public().(*ecdsa.PublicKey); ok && err == nil {
		return joinPoint(signature, (public.Params().BitSize+7)/8)
	}
	return signature, err
}

// joinPoint turns the ASN.1 form of an ECDSA signature into that of JWS: R and
// S, each of size bytes (RFC 7518 §3.4).
func joinPoint(signature []byte, size int) ([]byte, error) {
	var point struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &point); err != nil {
		return nil, err
	}
	joined := make([]byte, 2*size)
	point.R.FillBytes(joined[:size])
	point.S.FillBytes(joined[size:])
	return joined, nil
}

// hashOf is the hash that belongs to an algorithm, also for at_hash and c_hash.
// Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
func hashOf(algorithm string) crypto.Hash {
	switch {
	case algorithm == oauth.EdDSA || strings.HasSuffix(algorithm, "512"):
		return crypto.SHA512
	case strings.HasSuffix(algorithm, "384"):
		return crypto.SHA384
	default:
		return crypto.SHA256
	}
}

func digest(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

// verify gives the payload of a JWS of one type that a key of this realm has
// signed.
func (m *Minter) verify(text, typ string) ([]byte, error) {
	jws, err := oauth.ParseJWS(text)
	if err != nil {
		return nil, ErrMalformed
	}
	if jws.MediaType() != strings.ToLower(typ) {
		return nil, errType
	}
	key, ok := m.ring.VerifyKey(jws.KeyID)
	if !ok {
		return nil, errKey
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, errForged
	}
	return payload, nil
}

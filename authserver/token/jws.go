package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

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

// signatureRoom is for the signatures of most keys.
const signatureRoom = 128

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
	text := make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(header)+len(payload))+signatureRoom)
	text = base64.RawURLEncoding.AppendEncode(text, header)
	text = append(text, '.')
	text = base64.RawURLEncoding.AppendEncode(text, payload)
	signature, err := signatureOf(signer, text)
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", signer.KeyID, err)
	}
	text = append(text, '.')
	return string(base64.RawURLEncoding.AppendEncode(text, signature)), nil
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
	var point, r, s cryptobyte.String
	input := cryptobyte.String(signature)
	if !input.ReadASN1(&point, asn1.SEQUENCE) || !input.Empty() ||
		!point.ReadASN1Integer((*[]byte)(&r)) || !point.ReadASN1Integer((*[]byte)(&s)) || !point.Empty() ||
		len(r) > size || len(s) > size {
		return nil, errors.New("the key gave a signature that is none of its algorithm")
	}
	joined := make([]byte, 2*size)
	copy(joined[size-len(r):size], r)
	copy(joined[2*size-len(s):], s)
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

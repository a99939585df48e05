package dpoptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9449 §4.2

// Key is a client's ES256 key.
type Key struct {
	// JWK is its public part as it stands in proofs.
	JWK map[string]any

	private *ecdsa.PrivateKey
}

// NewKey makes a key.
func NewKey() *Key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return &Key{
		JWK:     map[string]any{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])},
		private: private,
	}
}

// Thumbprint is what cnf.jkt of a token says that is bound to the key.
func (k *Key) Thumbprint() string {
	parsed, err := oauth.ParsePublicJWK(k.JWK)
	if err != nil {
		panic(err)
	}
	return parsed.Thumbprint
}

// Proof is what a proof is for.
type Proof struct {
	Method, Target string
	// Token is the access token, Nonce what the server wants to see; "" for none.
	Token, Nonce string
	At           time.Time
	// Header and Claims change the good ones; nil takes one away.
	Header, Claims map[string]any
}

// Sign makes the value of the DPoP header. Each has a jti of its own.
func (k *Key) Sign(p Proof) string {
	header := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": k.JWK}
	claims := map[string]any{"jti": rand.Text(), "htm": p.Method, "htu": p.Target, "iat": p.At.Unix()}
	if p.Token != "" {
		sum := sha256.Sum256([]byte(p.Token))
		claims["ath"] = encode(sum[:])
	}
	if p.Nonce != "" {
		claims["nonce"] = p.Nonce
	}
	input := part(header, p.Header) + "." + part(claims, p.Claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		panic(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature[:])
}

func part(members, changes map[string]any) string {
	for name, value := range changes {
		members[name] = value
		if value == nil {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return encode(text)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

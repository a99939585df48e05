package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
)

// RFC 7638, RFC 7518 §6, RFC 8037 §2

// PublicJWK is a public key that stood in a JWK.
type PublicJWK struct {
	Key crypto.PublicKey
	// Thumbprint is the SHA-256 of the key's required members in base64url
	// (RFC 7638 §3): the jkt of RFC 9449.
	Thumbprint string
}

var errJWK = errors.New("not a public JWK that we know")

// ParsePublicJWK reads an EC (P-256, P-384), RSA or Ed25519 key. It refuses
// symmetric keys, any private member, and numbers that are not written in their
// one canonical form: else one key would have many thumbprints. That the key is
// strong enough is NewVerifyKey's to say.
func ParsePublicJWK(jwk map[string]any) (PublicJWK, error) {
	if HasPrivateMember(jwk) {
		return PublicJWK{}, errJWK
	}
	if use, ok := StringMember(jwk, "use"); !ok || use != "" && use != "sig" {
		return PublicJWK{}, errJWK
	}
	switch jwk["kty"] {
	case "EC":
		return parseEC(jwk)
	case "RSA":
		return parseRSA(jwk)
	case "OKP":
		return parseOKP(jwk)
	default:
		return PublicJWK{}, errJWK
	}
}

// HasPrivateMember says whether a JWK shows what only its owner may know: a
// private key (RFC 7518 §6.2.2 and §6.3.2), or a symmetric one (§6.4).
func HasPrivateMember(jwk map[string]any) bool {
	for _, private := range [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := jwk[private]; there {
			return true
		}
	}
	return false
}

func parseEC(jwk map[string]any) (PublicJWK, error) {
	var curve elliptic.Curve
	switch jwk["crv"] {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	default:
		return PublicJWK{}, errJWK
	}
	// RFC 7518 §6.2.1.2: each coordinate has the full size of the curve.
	size := (curve.Params().BitSize + 7) / 8
	x, okX := octets(jwk, "x")
	y, okY := octets(jwk, "y")
	if !okX || !okY || len(x) != size || len(y) != size {
		return PublicJWK{}, errJWK
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return PublicJWK{}, errJWK
	}
	return PublicJWK{key, thumbprint(jwk, "crv", "kty", "x", "y")}, nil
}

func parseRSA(jwk map[string]any) (PublicJWK, error) {
	n, okN := octets(jwk, "n")
	e, okE := octets(jwk, "e")
	// RFC 7518 §6.3.1.1: no octet more than the number needs.
	if !okN || !okE || len(e) > 4 || n[0] == 0 || e[0] == 0 {
		return PublicJWK{}, errJWK
	}
	exponent := 0
	for _, octet := range e {
		exponent = exponent<<8 | int(octet)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: exponent}
	return PublicJWK{key, thumbprint(jwk, "e", "kty", "n")}, nil
}

func parseOKP(jwk map[string]any) (PublicJWK, error) {
	x, ok := octets(jwk, "x")
	if !ok || jwk["crv"] != "Ed25519" || len(x) != ed25519.PublicKeySize {
		return PublicJWK{}, errJWK
	}
	return PublicJWK{ed25519.PublicKey(x), thumbprint(jwk, "crv", "kty", "x")}, nil
}

// octets reads a member that is base64url of one octet or more.
func octets(jwk map[string]any, name string) ([]byte, bool) {
	text, _ := jwk[name].(string)
	decoded, err := decodeSegment(text)
	return decoded, err == nil && len(decoded) > 0
}

// thumbprint hashes members that are known to be there and to need no escape in
// JSON. Their names are given in order (RFC 7638 §3.3).
func thumbprint(jwk map[string]any, names ...string) string {
	text := make([]byte, 0, 1<<10)
	for i, name := range names {
		lead := `,"`
		if i == 0 {
			lead = `{"`
		}
		value, _ := jwk[name].(string)
		text = append(append(append(append(append(text, lead...), name...), `":"`...), value...), '"')
	}
	return base64Digest(append(text, '}'))
}

// base64Digest is the SHA-256 of data in base64url.
func base64Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // registered for crypto.SHA256
	_ "crypto/sha512" // registered for crypto.SHA384 and crypto.SHA512
	"errors"
	"fmt"
	"math/big"
)

// RFC 7518 §3, RFC 8037 §3.1

const minRSABits = 2048

// VerifyKey is one public key pinned to one algorithm, ready to verify.
type VerifyKey struct {
	// KeyID is the kid under which the issuer publishes the key.
	KeyID string
	// Algorithm is the only alg that this key verifies.
	Algorithm string

	verify func(input, signature []byte) bool
}

// NewVerifyKey pins pub to algorithm. It refuses pairs that do not belong
// together and keys too weak to trust: RSA under 2048 bits, with an even or
// tiny exponent or from a flawed generator, and points that are not on their
// curve (RS6).
func NewVerifyKey(keyID, algorithm string, pub crypto.PublicKey) (VerifyKey, error) {
	key := VerifyKey{KeyID: keyID, Algorithm: algorithm}
	switch algorithm {
	case RS256, RS384, RS512, PS256, PS384, PS512:
		rsaKey, ok := pub.(*rsa.PublicKey)
		if !ok {
			return key, fmt.Errorf("%s needs an RSA key, not %T", algorithm, pub)
		}
		if bits := rsaKey.N.BitLen(); bits < minRSABits || bits > 8192 {
			return key, fmt.Errorf("RSA key of %d bits, want %d to 8192", bits, minRSABits)
		}
		if rsaKey.E < 3 || rsaKey.E%2 == 0 {
			return key, fmt.Errorf("RSA exponent %d is unsafe", rsaKey.E)
		}
		if rsaKey.N.Bit(0) == 0 || factorable(rsaKey.N) {
			return key, errors.New("RSA modulus can be factored")
		}
		key.verify = verifyRSA(rsaKey, hashOf(algorithm), algorithm[0] == 'P')
	case ES256, ES384, ES512:
		ecKey, ok := pub.(*ecdsa.PublicKey)
		if !ok || ecKey.Curve != curveOf(algorithm) {
			return key, fmt.Errorf("%s needs an EC key on %s", algorithm, curveOf(algorithm).Params().Name)
		}
		if _, err := ecKey.ECDH(); err != nil {
			return key, fmt.Errorf("EC key is not on its curve: %w", err)
		}
		key.verify = verifyECDSA(ecKey, hashOf(algorithm))
	case EdDSA:
		edKey, ok := pub.(ed25519.PublicKey)
		if !ok || len(edKey) != ed25519.PublicKeySize {
			return key, fmt.Errorf("EdDSA needs an Ed25519 key, not %T", pub)
		}
		key.verify = func(input, signature []byte) bool {
			return len(signature) == ed25519.SignatureSize && ed25519.Verify(edKey, input, signature)
		}
	default:
		return key, fmt.Errorf("algorithm %q is not supported", algorithm)
	}
	return key, nil
}

// factorable finds the moduli that a widespread smart card library made
// (CVE-2017-15361): they are a power of 65537 modulo every small prime, which
// happens to one honest modulus in two hundred million.
func factorable(n *big.Int) bool {
	small := [...]int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
		101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	}
	for _, prime := range small {
		rest := new(big.Int).Mod(n, big.NewInt(prime)).Int64()
		power := int64(1)
		for power != rest {
			if power = power * 65537 % prime; power == 1 {
				return false
			}
		}
	}
	return true
}

func hashOf(algorithm string) crypto.Hash {
	switch algorithm[2:] {
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

func curveOf(algorithm string) elliptic.Curve {
	switch algorithm {
	case ES384:
		return elliptic.P384()
	case ES512:
		return elliptic.P521()
	default:
		return elliptic.P256()
	}
}

func digest(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func verifyRSA(pub *rsa.PublicKey, hash crypto.Hash, pss bool) func(input, signature []byte) bool {
	return func(input, signature []byte) bool {
		if len(signature) != pub.Size() {
			return false
		}
		if pss {
			// RFC 7518 §3.5: the salt is as long as the hash.
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(pub, hash, digest(hash, input), signature, options) == nil
		}
		return rsa.VerifyPKCS1v15(pub, hash, digest(hash, input), signature) == nil
	}
}

func verifyECDSA(pub *ecdsa.PublicKey, hash crypto.Hash) func(input, signature []byte) bool {
	// RFC 7518 §3.4: R and S, each as long as the order of the curve.
	size := (pub.Params().BitSize + 7) / 8
	return func(input, signature []byte) bool {
		if len(signature) != 2*size {
			return false
		}
		r := new(big.Int).SetBytes(signature[:size])
		s := new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(pub, digest(hash, input), r, s)
	}
}

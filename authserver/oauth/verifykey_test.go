package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestRS6_KeyAndAlgorithmBelongTogether(t *testing.T) {
	keys := testKeys()
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	fits := map[string]crypto.PublicKey{
		oauth.RS256: &keys.rsa.PublicKey, oauth.RS384: &keys.rsa.PublicKey, oauth.RS512: &keys.rsa.PublicKey,
		oauth.PS256: &keys.rsa.PublicKey, oauth.PS384: &keys.rsa.PublicKey, oauth.PS512: &keys.rsa.PublicKey,
		oauth.ES256: &keys.ec.PublicKey, oauth.ES384: &p384.PublicKey, oauth.ES512: &p521.PublicKey, oauth.EdDSA: keys.ed.Public(),
	}
	others := []crypto.PublicKey{&keys.rsa.PublicKey, &keys.ec.PublicKey, &p384.PublicKey, &p521.PublicKey, &p224.PublicKey, keys.ed.Public(), keys.ed, keys.ec, []byte("secret"), nil}
	for alg, pub := range fits {
		key, err := oauth.NewVerifyKey("k", alg, pub)
		if err != nil || key.Algorithm != alg || key.KeyID != "k" {
			t.Errorf("%s: %v", alg, err)
		}
		for _, other := range others {
			_, err := oauth.NewVerifyKey("k", alg, other)
			if same := sameKey(pub, other); (err == nil) != same {
				t.Errorf("%s with %T: %v", alg, other, err)
			}
		}
	}
	for _, alg := range []string{"", "none", "HS256", "ES256K", "rs256", "RS1"} {
		if _, err := oauth.NewVerifyKey("k", alg, &keys.rsa.PublicKey); err == nil {
			t.Errorf("%q was taken", alg)
		}
	}
}

func sameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

func TestG32_WeakKeys(t *testing.T) {
	good := testKeys().rsa.PublicKey
	sized := func(bits uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return n.Add(n, big.NewInt(0x1235))
	}
	for name, key := range map[string]*rsa.PublicKey{
		"e=1":        {N: good.N, E: 1},
		"e=2":        {N: good.N, E: 2},
		"even e":     {N: good.N, E: 65536},
		"negative e": {N: good.N, E: -3},
		"e=0":        {N: good.N},
		"512 bit":    {N: sized(512), E: 65537},
		"1024 bit":   {N: sized(1024), E: 65537},
		"2047 bit":   {N: sized(2047), E: 65537},
		"8193 bit":   {N: sized(8193), E: 65537},
		"even n":     {N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537},
		"ROCA":       {N: rocaModulus(), E: 65537},
	} {
		if _, err := oauth.NewVerifyKey("k", oauth.RS256, key); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // no other way makes such a key
	if _, err := oauth.NewVerifyKey("k", oauth.ES256, offCurve); err == nil {
		t.Error("a point off the curve was taken")
	}
	if _, err := oauth.NewVerifyKey("k", oauth.EdDSA, ed25519.PublicKey{1, 2, 3}); err == nil {
		t.Error("a short Ed25519 key was taken")
	}
}

// rocaModulus has the form of the flawed moduli: a power of 65537 modulo the
// product of the small primes.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for prime := int64(2); prime < 702; prime++ {
		if big.NewInt(prime).ProbablyPrime(10) {
			product.Mul(product, big.NewInt(prime))
		}
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), product)
	factor := new(big.Int).Lsh(big.NewInt(1), uint(2048-product.BitLen()))
	return n.Add(n, factor.Mul(factor, product))
}

func TestG29_ECDSASignatureForm(t *testing.T) {
	keys := testKeys()
	key := es256Key(t)
	input := b64(`{"alg":"ES256"}`) + "." + b64(`{}`)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, keys.ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	order := elliptic.P256().Params().N
	shifted := func(r, s *big.Int, size int) []byte {
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out
	}
	token := func(signature []byte) string {
		return input + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	if !accepted(key, token(raw)) {
		t.Fatal("the right form was refused")
	}
	for name, signature := range map[string][]byte{
		"ASN.1 DER": der, "63 bytes": raw[:63], "63 bytes, first gone": raw[1:], "65 bytes": append(raw[:64:64], 0), "zero in front": append([]byte{0}, raw...),
		"zero-padded halves": shifted(r, s, 33), "zeros": make([]byte, 64), "halves swapped": append(raw[32:64:64], raw[:32]...), "empty": {},
		"s = 0": shifted(r, new(big.Int), 32), "r = 0": shifted(new(big.Int), s, 32), "r = n": shifted(order, s, 32), "s = n": shifted(r, order, 32),
	} {
		if accepted(key, token(signature)) {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestG32_RSASignatureForm(t *testing.T) {
	keys := testKeys()
	for _, alg := range []string{oauth.RS256, oauth.PS256} {
		key, err := oauth.NewVerifyKey("k", alg, &keys.rsa.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		input := b64(`{"alg":"`+alg+`"}`) + "." + b64(`{}`)
		digest := sha256.Sum256([]byte(input))
		sign := func(options crypto.SignerOpts) []byte {
			signature, err := keys.rsa.Sign(rand.Reader, digest[:], options)
			if err != nil {
				t.Fatal(err)
			}
			return signature
		}
		pss := func(salt int) crypto.SignerOpts { return &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256} }
		good, other := sign(crypto.SHA256), sign(pss(32))
		if alg == oauth.PS256 {
			good, other = other, good
		}
		token := func(signature []byte) string {
			return input + "." + base64.RawURLEncoding.EncodeToString(signature)
		}
		if !accepted(key, token(good)) {
			t.Fatalf("%s: the right form was refused", alg)
		}
		for name, signature := range map[string][]byte{
			"shorter": good[:255], "longer": append(good[:256:256], 0), "zero in front": append([]byte{0}, good...), "empty": {},
			"the other padding": other, "salt of 20 bytes": sign(pss(20)), "the number itself": new(big.Int).SetBytes(good).Add(new(big.Int).SetBytes(good), keys.rsa.N).Bytes(),
		} {
			if accepted(key, token(signature)) {
				t.Errorf("%s: %s was accepted", alg, name)
			}
		}
	}
}

// A signature made with e=3 in mind, by a cube root and without the key, fails
// against a key that really has e=3.
func TestG32_ForgedPadding(t *testing.T) {
	n := new(big.Int).Set(testKeys().rsa.N)
	key, err := oauth.NewVerifyKey("k", oauth.RS256, &rsa.PublicKey{N: n, E: 3})
	if err != nil {
		t.Fatal(err)
	}
	input := b64(`{"alg":"RS256"}`) + "." + b64(`{}`)
	digest := sha256.Sum256([]byte(input))
	// 00 01 FF … FF 00 DigestInfo digest, then room for whatever a cube gives.
	prefix := append([]byte{0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}, digest[:]...)
	block := append(prefix, []byte(strings.Repeat("\xff", 256-len(prefix)))...)
	root := cubeRoot(new(big.Int).SetBytes(block))
	cube := new(big.Int).Exp(root, big.NewInt(3), nil).FillBytes(make([]byte, 256))
	if string(cube[:len(prefix)]) != string(prefix) {
		t.Fatal("the forgery does not even look right")
	}
	if accepted(key, input+"."+base64.RawURLEncoding.EncodeToString(root.FillBytes(make([]byte, 256)))) {
		t.Error("forged padding was accepted")
	}
}

func cubeRoot(n *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for one := big.NewInt(1); new(big.Int).Sub(high, low).Cmp(one) > 0; {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if new(big.Int).Exp(middle, big.NewInt(3), nil).Cmp(n) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

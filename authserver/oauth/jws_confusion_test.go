package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// selfSigned is a certificate of a key, by itself.
func selfSigned(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// G3: the public key in each form in which it can be had is no shared secret.
func TestG3_NoFormOfThePublicKeyIsASharedSecret(t *testing.T) {
	keys := testKeys()
	for name, signer := range map[string]crypto.Signer{"EC": keys.ec, "RSA": keys.rsa} {
		published, err := jwk.FromRaw(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(published)
		if err != nil {
			t.Fatal(err)
		}
		certificate := selfSigned(t, signer)
		algorithm := map[string]string{"EC": oauth.ES256, "RSA": oauth.RS256}[name]
		key, err := oauth.NewVerifyKey("k", algorithm, signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		for form, secret := range map[string][]byte{
			"JWK": text, "JWKS": fmt.Appendf(nil, `{"keys":[%s]}`, text), "certificate": certificate,
			"certificate in PEM": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
			"x5c":                []byte(base64.StdEncoding.EncodeToString(certificate)),
			"PKCS #1 in PEM":     pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&keys.rsa.PublicKey)}),
		} {
			for _, alg := range []string{"HS256", algorithm} { // and as what it is not
				input := b64(`{"alg":"`+alg+`","kid":"k"}`) + "." + b64(`{"sub":"root"}`)
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(input))
				if accepted(key, input+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil))) {
					t.Errorf("%s keyed with the %s key as %s was accepted", alg, name, form)
				}
			}
		}
	}
}

// G9: a chain in the header vouches for nobody, and digests of certificates that do
// not fit change nothing either way.
func TestG9_CertificatesInTheHeaderAreIgnored(t *testing.T) {
	attacker, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged, honest := selfSigned(t, attacker), selfSigned(t, testKeys().ec)
	short, long := sha1.Sum(forged), sha256.Sum256(forged)
	for name, member := range map[string]string{
		"x5c":                   fmt.Sprintf(`"x5c":[%q]`, base64.StdEncoding.EncodeToString(forged)),
		"x5c of the issuer":     fmt.Sprintf(`"x5c":[%q,%q]`, base64.StdEncoding.EncodeToString(honest), base64.StdEncoding.EncodeToString(forged)),
		"x5c is no certificate": `"x5c":["AAAA"]`,
		"x5c is text":           `"x5c":"x"`,
		"x5t":                   fmt.Sprintf(`"x5t":%q`, base64.RawURLEncoding.EncodeToString(short[:])),
		"x5t#S256":              fmt.Sprintf(`"x5t#S256":%q`, base64.RawURLEncoding.EncodeToString(long[:])),
	} {
		header := `{"alg":"ES256","kid":"k",` + member + `}`
		input := b64(header) + "." + b64(`{"sub":"root"}`)
		digest := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, attacker, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		if accepted(es256Key(t), input+"."+base64.RawURLEncoding.EncodeToString(signature)) {
			t.Errorf("%s: a token vouched for itself", name)
		}
		if !accepted(es256Key(t), signES256(t, header, `{"sub":"x"}`)) {
			t.Errorf("%s: it is looked at", name)
		}
	}
}

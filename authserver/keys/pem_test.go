package keys_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

func block(t testing.TB, name string, raw []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: raw}))
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	return block(t, "PRIVATE KEY", raw, err)
}

func TestParsePEM(t *testing.T) {
	ec := newEC(t, elliptic.P256())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	ecText := block(t, "EC PRIVATE KEY", sec1, err)
	for name, tt := range map[string]struct {
		text string
		want crypto.Signer
	}{
		"PKCS #8 RSA":              {pkcs8(t, rsaKey), rsaKey},
		"PKCS #8 EC":               {pkcs8(t, ec), ec},
		"PKCS #8 Ed25519":          {pkcs8(t, edKey), edKey},
		"PKCS #1":                  {block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), rsaKey},
		"SEC 1":                    {ecText, ec},
		"SEC 1 after its curve":    {block(t, "EC PARAMETERS", []byte{6, 8}, nil) + ecText, ec},
		"with text in front of it": {"key for realm /\n" + ecText, ec},
	} {
		got, err := keys.ParsePEM([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if same, ok := got.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(tt.want.Public()) {
			t.Errorf("%s: another key", name)
		}
	}
	public, err := x509.MarshalPKIXPublicKey(ec.Public())
	encrypted := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":           {"", "no private key in PEM form"},
		"no PEM":            {"canary", "no private key in PEM form"},
		"a public key":      {block(t, "PUBLIC KEY", public, err), "no private key in PEM form"},
		"damaged":           {block(t, "PRIVATE KEY", []byte("canary"), nil), "cannot be read"},
		"with a password":   {encrypted, "encrypted with a password"},
		"PKCS #8 encrypted": {block(t, "ENCRYPTED PRIVATE KEY", []byte("canary"), nil), "encrypted with a password"},
	} {
		_, err := keys.ParsePEM([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

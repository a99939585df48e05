package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// documentedFiles makes the files that documents have in /run/secrets, and gives
// their folder.
func documentedFiles(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]string{"kty": "EC", "crv": "P-256", "kid": "plant-1", "alg": "ES256"}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwk["x"], jwk["y"] = encode(point[1:33]), encode(point[33:])
	public, err := json.Marshal(map[string]any{"keys": []any{jwk}})
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk["d"] = encode(scalar)
	private, err := json.Marshal(jwk)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	wrapping := make([]byte, 32)
	_, _ = rand.Read(wrapping) // never fails
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for name, content := range map[string]string{
		"gateway.jwk": string(private), "plant-keys.json": string(public),
		"gateway.crt": inPEM("CERTIFICATE", certificate), "gateway.key": inPEM("PRIVATE KEY", der), "corp-ca.pem": inPEM("CERTIFICATE", certificate),
		"signing.pem": inPEM("PRIVATE KEY", der), "id-tokens.pem": inPEM("PRIVATE KEY", rsaDER),
		"ldap": "0123456789abcdef\n", "oauth2.key": base64.StdEncoding.EncodeToString(wrapping) + "\n", "oauth2-old.key": base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n",
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

// operated is a Caddy that operators talk to.
type operated struct{ home, admin, auth string }

// startOperated runs the first Caddyfile of a document. A foreign issuer in it is
// the example's server. Its addresses and its scope differ from the document.
func startOperated(t *testing.T, w *world, document string) *operated {
	t.Helper()
	ports := freePorts(t, 3)
	g := &operated{home: t.TempDir(), admin: fmt.Sprintf("localhost:%d", ports[0]), auth: fmt.Sprintf("http://localhost:%d", ports[2])}
	documented := blocks(t, filepath.Join(repository, "docs", document), "caddyfile")
	if len(documented) == 0 {
		t.Fatalf("docs/%s has no Caddyfile", document)
	}
	text := strings.NewReplacer(
		"https://idp.example.com", w.auth+"/oauth2", "https://auth.example.com", g.auth, "audience https://api.example.com", "audience "+w.api,
		"auth.example.com {", g.auth+" {\n\tbind 127.0.0.1 [::1]", "\tadmin unix//run/caddy/admin.sock\n", "", "shutdown_delay 10s", "shutdown_delay 1s",
		"/var/log/caddy", g.home, "orders:read", "write",
		"api.example.com {", fmt.Sprintf("http://localhost:%d {\n\tbind 127.0.0.1 [::1]", ports[1]),
	).Replace(documented[0])
	start(t, strings.Replace(text, "{\n", "{\n\tadmin "+g.admin+"\n", 1), g.home, "ORDERS_SECRET=0123456789abcdef")
	return g
}

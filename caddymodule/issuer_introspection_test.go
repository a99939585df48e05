package caddymodule

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// writeCertificate writes a self-signed certificate for a name, and its key.
func writeCertificate(t *testing.T, dir, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "gateway.crt"), filepath.Join(dir, "gateway.key")
	writeCredential(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeCredential(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return certificate, key
}

func writeCredential(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// provisioned gives what introspect is told, as far as the settings are good.
func (o *IssuerIntrospection) provisioned() (introspect.Foreign, error) {
	foreign := introspect.Foreign{URL: "https://idp.example.com"}
	if err := o.provision(&foreign, caddy.NewReplacer()); err != nil {
		return foreign, err
	}
	if err := foreign.Check(); err != nil {
		return foreign, err
	}
	return foreign, o.validate("")
}

func TestEachMistakeInCredentialsIsNamed(t *testing.T) {
	dir := t.TempDir()
	certificate, key := writeCertificate(t, dir, "gateway")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GATEWAY_KEY", string(text))
	t.Setenv("GATEWAY_ENDPOINT", "https://idp.example.com/ask")
	large, broken := filepath.Join(dir, "large"), filepath.Join(dir, "broken")
	writeCredential(t, large, strings.Repeat("x", 1<<20))
	writeCredential(t, broken, "canary")
	for name, c := range map[string]struct {
		settings IssuerIntrospection
		want     string
	}{
		"key in a file":          {IssuerIntrospection{Auth: "private_key_jwt", Key: key}, ""},
		"key in a placeholder":   {IssuerIntrospection{Auth: "private_key_jwt", Key: "{env.GATEWAY_KEY}"}, ""},
		"key by {file}":          {IssuerIntrospection{Auth: "private_key_jwt", Key: "{file." + key + "}"}, ""},
		"certificate":            {IssuerIntrospection{Auth: "mtls", Certificate: certificate, CertificateKey: key}, ""},
		"endpoint":               {IssuerIntrospection{ClientSecret: "x", Endpoint: "{env.GATEWAY_ENDPOINT}"}, ""},
		"no such key":            {IssuerIntrospection{Auth: "private_key_jwt", Key: dir + "/nowhere"}, "introspection key: open"},
		"no such placeholder":    {IssuerIntrospection{Auth: "private_key_jwt", Key: "{env.NO_SUCH_VARIABLE_HERE}"}, "NO_SUCH_VARIABLE_HERE"},
		"key file is no key":     {IssuerIntrospection{Auth: "private_key_jwt", Key: broken}, "neither one JWK nor"},
		"key file is too large":  {IssuerIntrospection{Auth: "private_key_jwt", Key: large}, "larger than any key"},
		"key is a certificate":   {IssuerIntrospection{Auth: "private_key_jwt", Key: certificate}, "no private key"},
		"no such certificate":    {IssuerIntrospection{Auth: "mtls", Certificate: dir + "/nowhere", CertificateKey: key}, "introspection certificate: open"},
		"half a certificate":     {IssuerIntrospection{Auth: "mtls", Certificate: certificate}, "two files are needed"},
		"files the wrong way":    {IssuerIntrospection{Auth: "mtls", Certificate: key, CertificateKey: certificate}, "introspection certificate: "},
		"endpoint unknown":       {IssuerIntrospection{ClientSecret: "x", Endpoint: "{env.NO_SUCH_VARIABLE_HERE}"}, "NO_SUCH_VARIABLE_HERE"},
		"endpoint in plain text": {IssuerIntrospection{ClientSecret: "x", Endpoint: "http://idp.example.com/ask"}, "must use https"},
		"key, but basic":         {IssuerIntrospection{ClientSecret: "x", Key: key}, "write auth private_key_jwt"},
		"secret, but mtls":       {IssuerIntrospection{Auth: "mtls", ClientSecret: "x", Certificate: certificate, CertificateKey: key}, "take the secret away"},
	} {
		c.settings.ClientID = "gateway"
		_, err := c.settings.provisioned()
		switch {
		case (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func TestCachesCanBeSwitchedOff(t *testing.T) {
	for _, c := range []struct {
		cache, negative         caddy.Duration
		wantCache, wantNegative time.Duration
	}{
		{0, 0, time.Minute, 5 * time.Second},
		{-1, -1, 0, 0},
		{caddy.Duration(time.Second), caddy.Duration(time.Second), time.Second, time.Second},
	} {
		settings := IssuerIntrospection{ClientID: "gateway", ClientSecret: "x", Cache: c.cache, NegativeCache: c.negative}
		got, err := settings.provisioned()
		if err != nil || got.CacheTTL != c.wantCache || got.NegativeTTL != c.wantNegative {
			t.Errorf("%d and %d give %s and %s: %v", c.cache, c.negative, got.CacheTTL, got.NegativeTTL, err)
		}
	}
}

// A renewed certificate counts without a reload; one that is being renewed, or
// gone, leaves the last good one in place.
func TestAClientCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certificate, key := writeCertificate(t, dir, "first")
	now := time.Unix(1e9, 0)
	var log bytes.Buffer
	c := &renewedCertificate{
		file: certificate, keyFile: key, now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	shows := func(want string) {
		t.Helper()
		got, err := c.get(new(tls.CertificateRequestInfo))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil || parsed.Subject.CommonName != want {
			t.Errorf("shows %q, want %q: %v", parsed.Subject.CommonName, want, err)
		}
	}
	shows("first")
	writeCertificate(t, dir, "second")
	shows("first") // the files are not looked at on every handshake
	now = now.Add(certificateEvery)
	shows("second")
	writeCredential(t, key, "half a k")
	now = now.Add(certificateEvery)
	shows("second")
	if err := os.Remove(certificate); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateEvery)
	shows("second")
	writeCertificate(t, dir, "third")
	now = now.Add(certificateEvery)
	shows("third")
	if strings.Contains(log.String(), "expired") {
		t.Errorf("a certificate that has not expired is called so: %s", log.String())
	}
	now = time.Now().Add(2 * time.Hour)
	shows("third")
	if !strings.Contains(log.String(), "has expired") || !strings.Contains(log.String(), certificate) {
		t.Errorf("an expired certificate is not named: %s", log.String())
	}
}

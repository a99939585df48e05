package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth/dpoptest"
)

// selfSigned makes a certificate for localhost.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// pemFiles writes a certificate and its key.
func pemFiles(t *testing.T, certificate tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", certificate.Certificate[0]), write("key.pem", "PRIVATE KEY", key)
}

// boundTo is a token for a certificate.
func boundTo(t *testing.T, issuer *testIssuer, certificate tls.Certificate) string {
	t.Helper()
	return issuer.token(t, map[string]any{"cnf": map[string]any{"x5t#S256": oauth.CertificateThumbprint(certificate.Certificate[0])}})
}

// The certificate of Caddy's own TLS connection, without any setting of ours.
func TestRS38_TheCertificateOfTheConnection(t *testing.T) {
	issuer, server, mine, other := newTestIssuer(t), selfSigned(t), selfSigned(t), selfSigned(t)
	certFile, keyFile := pemFiles(t, server)
	for mode, want := range map[string][4]int{ // bound with mine, bound with another, bound without any, not bound with mine
		"":                             {200, 401, 401, 200},
		"client_certificate required":  {200, 401, 401, 401},
		"client_certificate forwarded": {200, 401, 401, 200},
	} {
		port := freePort(t)
		err := load(t, config(t, "", "", fmt.Sprintf(`https://localhost:%d {
	bind 127.0.0.1
	tls %s %s {
		client_auth {
			mode request
		}
	}
	bearer_auth %s {
		audience %s
		%s
	}
	respond ok
}`, port, certFile, keyFile, issuer.URL, apiAudience, mode)))
		if err != nil {
			t.Fatal(err)
		}
		bound, free := boundTo(t, issuer, mine), issuer.token(t, nil)
		for i, c := range []struct {
			token  string
			client []tls.Certificate
		}{{bound, []tls.Certificate{mine}}, {bound, []tls.Certificate{other}}, {bound, nil}, {free, []tls.Certificate{mine}}} {
			roots := x509.NewCertPool()
			leaf, err := x509.ParseCertificate(server.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			roots.AddCert(leaf)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: c.client}}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/", port), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = fmt.Sprintf("localhost:%d", port) // as in the TLS handshake, or Caddy refuses it
			request.Header.Set("Authorization", "Bearer "+c.token)
			// Nobody but a trusted proxy can name another certificate.
			request.Header.Set("Client-Cert", clientCert(mine))
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			transport.CloseIdleConnections()
			if response.StatusCode != want[i] {
				t.Errorf("%q, client %d: status %d, want %d", mode, i, response.StatusCode, want[i])
			}
		}
	}
}

// clientCert is the header of RFC 9440.
func clientCert(certificate tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(certificate.Certificate[0]) + ":"
}

const trustLoopback = "servers {\ntrusted_proxies static 127.0.0.1/32\n}"

func TestRFC9440_TheHeaderCountsFromATrustedProxyOnly(t *testing.T) {
	mine, other := selfSigned(t), selfSigned(t)
	for name, c := range map[string]struct {
		globals, block string
		headers        []string
		want           int
	}{
		"from a trusted proxy":    {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: " + clientCert(mine)}, 200},
		"and required":            {trustLoopback, "client_certificate forwarded required", []string{"client-cert: " + clientCert(mine)}, 200},
		"from anyone else":        {"", "client_certificate forwarded", []string{"Client-Cert: " + clientCert(mine)}, 401},
		"where nobody asked":      {trustLoopback, "", []string{"Client-Cert: " + clientCert(mine)}, 401},
		"where only one is asked": {trustLoopback, "client_certificate required", []string{"Client-Cert: " + clientCert(mine)}, 401},
		"another certificate":     {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: " + clientCert(other)}, 401},
		"none":                    {trustLoopback, "client_certificate forwarded", nil, 401},
		"twice":                   {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: " + clientCert(mine), "Client-Cert: " + clientCert(mine)}, 401},
		"two in one":              {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: " + clientCert(other) + ", " + clientCert(mine)}, 401},
		"in another spelling":     {trustLoopback, "client_certificate forwarded", []string{"Client_Cert: " + clientCert(mine)}, 401},
		"a chain alone":           {trustLoopback, "client_certificate forwarded", []string{"Client-Cert-Chain: " + clientCert(mine)}, 401},
		"named in Connection":     {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: " + clientCert(mine), "Connection: Client-Cert"}, 401},
		"text":                    {trustLoopback, "client_certificate forwarded", []string{"Client-Cert: yes"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, setup{globals: c.globals, block: c.block})
			headers := append([]string{"Authorization: Bearer " + boundTo(t, g.issuer, mine)}, c.headers...)
			wantStatus(t, g.send("GET /", headers...), c.want)
		})
	}
}

// No upstream of a route that takes the header sees one, whoever sent it.
func TestRFC9440_4_TheHeaderIsNotPassedOn(t *testing.T) {
	certificate := selfSigned(t)
	lines := []string{"Client-Cert: " + clientCert(certificate), "client-cert-chain: " + clientCert(certificate), "CLIENT_CERT: x", "Client.Cert: y"}
	for _, globals := range []string{"", trustLoopback} {
		g := newGateway(t, setup{globals: globals, block: "client_certificate forwarded\npublic /health\nallow * *"})
		for path, headers := range map[string][]string{"/": append(lines, g.bearer(nil)), "/health": lines} {
			wantStatus(t, g.send("GET "+path, headers...), http.StatusOK)
			if raw := strings.ToLower(g.upstream.next()); raw == "" || strings.Contains(raw, "cert") {
				t.Errorf("%s: upstream got\n%s", path, raw)
			}
		}
	}
}

// A token that is bound to a key and a certificate needs both.
func TestG44_BothMembersBothProofs(t *testing.T) {
	g := newProvingGateway(t, setup{globals: trustLoopback, block: "dpop\nclient_certificate forwarded"})
	certificate := selfSigned(t)
	token := g.issuer.token(t, map[string]any{"cnf": map[string]any{
		"jkt": g.key.Thumbprint(), "x5t#S256": oauth.CertificateThumbprint(certificate.Certificate[0]),
	}})
	header := "Client-Cert: " + clientCert(certificate)
	wantStatus(t, g.send("GET /", append(g.proof("GET", "/", token, nil), header)...), http.StatusOK)
	wantStatus(t, g.send("GET /", g.proof("GET", "/", token, nil)...), http.StatusUnauthorized)
	wantStatus(t, g.send("GET /", "Authorization: Bearer "+token, header), http.StatusUnauthorized)
	thief := provingGateway{g.gateway, dpoptest.NewKey()}
	wantStatus(t, g.send("GET /", append(thief.proof("GET", "/", token, nil), header)...), http.StatusUnauthorized)
}

// A certificate that the sender made up reaches no upstream, whatever is decided.
func TestRFC9440_NoUpstreamSeesAForgedCertificate(t *testing.T) {
	forged := "Client-Cert: " + clientCert(selfSigned(t))
	for name, c := range map[string]struct {
		matcher, block, path string
		headers              []string
	}{
		"public":              {"", "public /", "/", nil},
		"outside the matcher": {"/guarded*", "", "/", nil},
		"report only":         {"", "mode report_only", "/", []string{"Authorization: Bearer bad"}},
	} {
		g := newGateway(t, setup{matcher: c.matcher, block: "client_certificate forwarded\n" + c.block})
		wantStatus(t, g.send("GET "+c.path, append(c.headers, forged, "client-cert-chain: x")...), http.StatusOK)
		if raw := g.upstream.next(); raw == "" || strings.Contains(strings.ToLower(raw), "client-cert") {
			t.Errorf("%s: the upstream got\n%s", name, raw)
		}
	}
}

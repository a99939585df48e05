package integration

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
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// get sends a request with header lines and gives status, challenge and body.
func get(t *testing.T, client *http.Client, address string, header map[string]string) (status int, challenge, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.Join(response.Header.Values("Www-Authenticate"), "\n"), string(read)
}

func TestRS38_DPoPTokensOfOIDCProviderNeedTheirProof(t *testing.T) {
	issuer := startNode(t, "oidc-provider.mjs", map[string]any{"gateway": newSigner(t).public})
	at := guardSites(t, issuer, map[string]site{
		"jwt": {"validate jwt", "audience https://jwt.test\nresource SITE\ndpop"},
		"opaque": {
			"introspection {\nclient gateway gateway-secret\n}",
			"audience https://opaque.test\nresource SITE\ndpop required",
		},
		"bearer": {"validate jwt", "audience https://jwt.test"},
	})
	owner, thief := newSigner(t), newSigner(t)
	client := new(http.Client)
	for name, resource := range map[string]string{"jwt": "https://jwt.test", "opaque": "https://opaque.test"} {
		token := tokenFrom(t, issuer+"/token", "dpop", url.Values{"scope": {"read"}, "resource": {resource}},
			http.Header{"Dpop": {owner.proof(http.MethodPost, issuer+"/token", "")}})
		api := at[name] + "/orders"
		send := func(scheme string, header map[string]string) (int, string, string) {
			header["Authorization"] = scheme + " " + token
			return get(t, client, api, header)
		}
		ready := func() bool {
			status, _, _ := send("DPoP", map[string]string{"DPoP": owner.proof(http.MethodGet, api, token)})
			return status == http.StatusOK
		}
		for n := 0; !ready(); n++ {
			if n == 100 {
				t.Fatalf("%s: a proven token is not taken", name)
			}
		}
		proof := owner.proof(http.MethodGet, api, token)
		if status, _, body := send("DPoP", map[string]string{"DPoP": proof}); status != http.StatusOK || !strings.Contains(body, `"client_id": "dpop"`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
		for what, c := range map[string]struct{ scheme, proof string }{
			"used before":      {"DPoP", proof},
			"of another key":   {"DPoP", thief.proof(http.MethodGet, api, token)},
			"another method":   {"DPoP", owner.proof(http.MethodPost, api, token)},
			"another address":  {"DPoP", owner.proof(http.MethodGet, at[name]+"/other", token)},
			"another token":    {"DPoP", owner.proof(http.MethodGet, api, token+"x")},
			"no token":         {"DPoP", owner.proof(http.MethodGet, api, "")},
			"no proof":         {"DPoP", ""},
			"bearer":           {"Bearer", ""},
			"bearer and proof": {"Bearer", owner.proof(http.MethodGet, api, token)},
		} {
			header := map[string]string{}
			if c.proof != "" {
				header["DPoP"] = c.proof
			}
			if status, challenge, _ := send(c.scheme, header); status != http.StatusUnauthorized || !strings.Contains(challenge, "DPoP ") {
				t.Errorf("%s: a proof %s: status %d, challenge %s", name, what, status, challenge)
			}
		}
		if name == "jwt" {
			wantStatus(t, at["bearer"], token, "401")
		}
	}
	// Unbound tokens are refused only where proofs are required.
	wantStatus(t, at["jwt"], tokenFrom(t, issuer+"/token", "shop", url.Values{"resource": {"https://jwt.test"}}, nil), "200")
	wantStatus(t, at["opaque"], tokenFrom(t, issuer+"/token", "shop", url.Values{"resource": {"https://opaque.test"}}, nil), "401")
}

// certificate makes a self-signed certificate for localhost.
func certificate(t *testing.T) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, certFile, keyFile
}

func TestRS38_CertificateBoundTokensOfOIDCProviderNeedTheirCertificate(t *testing.T) {
	issuer := startNode(t, "oidc-provider.mjs", map[string]any{"gateway": newSigner(t).public})
	server, certFile, keyFile := certificate(t)
	ports := freePorts(t, 2)
	start(t, fmt.Sprintf(`{
	admin off
	default_bind 127.0.0.1 [::1]
	auto_https disable_redirects
}
https://localhost:%d {
	tls %s %s {
		client_auth {
			mode request
		}
	}
	bearer_auth %s {
		audience https://jwt.test
	}
	reverse_proxy localhost:%d
}
http://localhost:%d {
	respond {header.X-Auth-Client-Id}
}
`, ports[0], certFile, keyFile, issuer, ports[1], ports[1]), t.TempDir())
	owner, _, _ := certificate(t)
	thief, _, _ := certificate(t)
	trusted := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(server.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	trusted.AddCert(leaf)
	with := func(certificates ...tls.Certificate) *http.Client {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, Certificates: certificates}}}
		t.Cleanup(client.CloseIdleConnections)
		return client
	}
	token := tokenFrom(t, issuer+"/token", "mtls", url.Values{"resource": {"https://jwt.test"}},
		http.Header{"X-Test-Certificate": {base64.StdEncoding.EncodeToString(owner.Certificate[0])}})
	api := fmt.Sprintf("https://localhost:%d/", ports[0])
	header := map[string]string{"Authorization": "Bearer " + token}
	status, body := 0, ""
	for range 100 {
		if status, _, body = get(t, with(owner), api, header); status == http.StatusOK {
			break
		}
	}
	if status != http.StatusOK || body != "mtls" {
		t.Fatalf("the owner of the certificate gets %d %s", status, body)
	}
	for name, client := range map[string]*http.Client{"another certificate": with(thief), "no certificate": with()} {
		if status, challenge, _ := get(t, client, api, header); status != http.StatusUnauthorized || !strings.Contains(challenge, "invalid_token") {
			t.Errorf("%s: status %d, challenge %s", name, status, challenge)
		}
	}
	// A certificate in a header is nobody's.
	header["Client-Cert"] = ":" + base64.StdEncoding.EncodeToString(owner.Certificate[0]) + ":"
	if status, _, _ := get(t, with(), api, header); status != http.StatusUnauthorized {
		t.Errorf("a certificate in a header: status %d", status)
	}
}

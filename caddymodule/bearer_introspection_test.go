package caddymodule_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// strictIssuer is an authorization server over TLS that lets one client
// introspect, as authenticates says, and signs its answers with its own key.
type strictIssuer struct {
	*httptest.Server
	key          jwk.Key
	authenticate func(r *http.Request) bool
	signs        bool
	asked        atomic.Int64
}

func newStrictIssuer(t *testing.T, authenticate func(r *http.Request) bool) *strictIssuer {
	t.Helper()
	i := &strictIssuer{authenticate: authenticate, key: newGatewayKey(t, "issuer")}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, document any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	}
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/jwks", "introspection_endpoint": i.URL + "/introspect"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		public, err := i.key.PublicKey()
		if err != nil {
			panic(err)
		}
		answer(w, map[string]any{"keys": []any{public}})
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if !i.authenticate(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		said := map[string]any{"active": false}
		if r.PostFormValue("token") == "opaque" {
			said = map[string]any{"active": true, "sub": "olga", "aud": apiAudience, "iss": i.URL, "exp": time.Now().Add(time.Hour).Unix()}
		}
		if !i.signs {
			answer(w, said)
			return
		}
		payload, err := json.Marshal(map[string]any{"iss": i.URL, "aud": "gateway", "iat": time.Now().Unix(), "token_introspection": said})
		if err != nil {
			panic(err)
		}
		headers := jws.NewHeaders()
		_ = headers.Set(jws.TypeKey, "token-introspection+jwt")
		signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256, i.key, jws.WithProtectedHeaders(headers)))
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		_, _ = w.Write(signed)
	})
	i.Server = httptest.NewUnstartedServer(mux)
	i.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	i.StartTLS()
	t.Cleanup(i.Close)
	return i
}

func newGatewayKey(t *testing.T, kid string) jwk.Key {
	t.Helper()
	certificate := newGatewayCertificate(t)
	key, err := jwk.FromRaw(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.ES256} {
		if err := key.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

func newGatewayCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// credentialFile writes a text for a Caddyfile to name.
func credentialFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// guards runs a gateway that asks i with some introspection settings.
func (i *strictIssuer) guards(t *testing.T, settings string) *gateway {
	t.Helper()
	ca := credentialFile(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw}))
	g, err := trusting(t, "corp", &testIssuer{Server: i.Server}, fmt.Sprintf("issuer corp %s {\ntls_ca %s\nintrospection {\nclient gateway %s\n}\n}", i.URL, ca, settings))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gateway) expectOlga(t *testing.T) {
	t.Helper()
	wantStatus(t, g.send("GET /", "Authorization: Bearer opaque"), http.StatusOK)
	if raw := g.upstream.next(); !slices.Equal(header(raw, "X-Auth-Subject"), []string{"olga"}) {
		t.Errorf("the upstream got\n%s", raw)
	}
	wantStatus(t, g.send("GET /", "Authorization: Bearer unknown"), http.StatusUnauthorized)
}

func TestIntrospectionWithASecretInTheForm(t *testing.T) {
	i := newStrictIssuer(t, func(r *http.Request) bool {
		_, _, basic := r.BasicAuth()
		return !basic && r.PostFormValue("client_id") == "gateway" && r.PostFormValue("client_secret") == "s3cret"
	})
	i.guards(t, "s3cret\nauth post").expectOlga(t)
	// The endpoint refuses us: our fault, and not that of the token.
	wantStatus(t, i.guards(t, "wrong\nauth post").send("GET /", "Authorization: Bearer opaque"), http.StatusServiceUnavailable)
}

// RFC 7523 §3: jwx checks what we signed.
func TestIntrospectionWithAPrivateKey(t *testing.T) {
	key := newGatewayKey(t, "gw-1")
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	var i *strictIssuer
	i = newStrictIssuer(t, func(r *http.Request) bool {
		_, err := jwt.Parse([]byte(r.PostFormValue("client_assertion")), jwt.WithKey(jwa.ES256, public), jwt.WithValidate(true),
			jwt.WithIssuer("gateway"), jwt.WithSubject("gateway"), jwt.WithAudience(i.URL), jwt.WithRequiredClaim("jti"), jwt.WithRequiredClaim("exp"))
		return err == nil
	})
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	path := credentialFile(t, "gateway.jwk", text)
	i.guards(t, "\nauth private_key_jwt\nkey "+path).expectOlga(t)
	i.guards(t, "\nauth private_key_jwt\nkey {file."+path+"}").expectOlga(t)
	i.signs = true
	i.guards(t, "\nauth private_key_jwt\nkey "+path+"\nsigned_response").expectOlga(t)
}

// RFC 8705 §2.
func TestIntrospectionWithACertificate(t *testing.T) {
	certificate := newGatewayCertificate(t)
	i := newStrictIssuer(t, func(r *http.Request) bool {
		return len(r.TLS.PeerCertificates) == 1 && slices.Equal(r.TLS.PeerCertificates[0].Raw, certificate.Certificate[0]) && r.PostFormValue("client_id") == "gateway"
	})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	i.guards(t, fmt.Sprintf("\nauth mtls\ncertificate %s %s",
		credentialFile(t, "gateway.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})),
		credentialFile(t, "gateway.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))).expectOlga(t)
}

// RFC 9701: where signed answers are asked for, no other one counts.
func TestSignedIntrospection(t *testing.T) {
	i := newStrictIssuer(t, func(*http.Request) bool { return true })
	wantStatus(t, i.guards(t, "s3cret\nsigned_response").send("GET /", "Authorization: Bearer opaque"), http.StatusServiceUnavailable)
	i.signs = true
	i.guards(t, "s3cret\nsigned_response\nnegative_cache off").expectOlga(t)
}

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() {
	caddy.RegisterModule(signer{})
	caddy.RegisterModule(constant{})
	httpcaddyfile.RegisterHandlerDirective("bench_sign", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) { return new(signer), nil })
	httpcaddyfile.RegisterHandlerDirective("bench_constant", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) { return new(constant), nil })
}

// signer is the least that an authorization server could do: a handler of Caddy
// that signs an access token and writes it.
type signer struct{ key *ecdsa.PrivateKey }

// CaddyModule implements caddy.Module.
func (signer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_sign", New: func() caddy.Module { return new(signer) }}
}

// Provision implements caddy.Provisioner.
func (s *signer) Provision(caddy.Context) (err error) {
	s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return err
}

// accessClaims are those of our access tokens.
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (s *signer) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
	at := now()
	payload, err := json.Marshal(accessClaims{
		Issuer: "http://localhost/oauth2", Subject: grantClient, Audience: "http://localhost/oauth2", ClientID: grantClient, Scope: "read",
		IssuedAt: at.Unix(), Expires: at.Add(10 * time.Minute).Unix(), ID: rand.Text(),
	})
	if err != nil {
		return err
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"0123456789abcdef"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(input))
	r, sig, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	sig.FillBytes(signature[32:])
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(map[string]any{
		"access_token": input + "." + encode(signature[:]), "token_type": "Bearer", "expires_in": 600, "scope": "read",
	})
}

// constant answers what an introspection endpoint could.
type constant struct{}

// CaddyModule implements caddy.Module.
func (constant) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bench_constant", New: func() caddy.Module { return new(constant) }}
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (constant) ServeHTTP(w http.ResponseWriter, _ *http.Request, _ caddyhttp.Handler) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(`{"active":true,"scope":"read","client_id":"bench","token_type":"Bearer","exp":1893456000,"iat":1893455400,"sub":"bench","aud":"http://localhost/oauth2","iss":"http://localhost/oauth2","jti":"0123456789abcdef"}` + "\n"))
	return err
}

// Interface guards
var (
	_ caddy.Provisioner           = (*signer)(nil)
	_ caddyhttp.MiddlewareHandler = (*signer)(nil)
	_ caddyhttp.MiddlewareHandler = (*constant)(nil)
)

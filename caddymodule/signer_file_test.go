package caddymodule

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// writeKey puts a new EC key into a file and gives its kid.
func writeKey(t *testing.T, path string, curve elliptic.Curve) (kid string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	external, err := keys.NewExternal("", key)
	if err != nil {
		t.Fatal(err)
	}
	return external.KeyID()
}

// withSigners is a world's configuration with signers in its realm /b.
func (w world) withSigners(lines ...string) []byte {
	w.t.Helper()
	var config map[string]any
	if err := json.Unmarshal(w.config("a", ""), &config); err != nil {
		w.t.Fatal(err)
	}
	realm := config["apps"].(map[string]any)["oauth2"].(map[string]any)["realms"].([]any)[1].(map[string]any)
	var signers []any
	for _, path := range lines {
		signers = append(signers, map[string]any{"module": "file", "path": path})
	}
	realm["signers"] = signers
	delete(realm["clients"].([]any)[0].(map[string]any), "access_token")
	out, err := json.Marshal(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func kidOf(t *testing.T, text string) string {
	t.Helper()
	parsed, err := oauth.ParseJWS(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.KeyID
}

func TestSignerFileSignsInPlaceOfTheStoresKey(t *testing.T) {
	w := newWorld(t)
	const path = "/oauth2/realms/root/realms/b"
	file, successor := filepath.Join(w.dir, "key.pem"), filepath.Join(w.dir, "next.pem")
	kid, next := writeKey(t, file, elliptic.P256()), writeKey(t, successor, elliptic.P256())
	// A realm that begins with it never has another.
	app := w.load(w.withSigners(file))
	b, err := app.realmIssuer("/b")
	if err != nil {
		t.Fatal(err)
	}
	text := tokenFor(t, app, path, "a")
	if kidOf(t, text) != kid {
		t.Errorf("%s signs, want the signer %s", kidOf(t, text), kid)
	}
	if _, err := introspectText(t, b, text); err != nil {
		t.Error(err)
	}
	key := keyIn(t, app, "/b", "sign", "ES256", "signing")
	if key.ID != kid || !key.External {
		t.Errorf("listed as %+v", key)
	}
	// So is its successor published, and what the first has signed stays good.
	app = w.load(w.withSigners(successor, file))
	if b, err = app.realmIssuer("/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := introspectText(t, b, text); err != nil {
		t.Error(err)
	}
	served, _ := app.server.Load().Realm("/b")
	document, _ := served.Keys.JWKS()
	for _, kid := range []string{kid, next} {
		if !strings.Contains(string(document), kid) {
			t.Errorf("%s is not published", kid)
		}
	}
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil || strings.Contains(string(log), "PRIVATE") {
		t.Errorf("the log shows a key: %v", err)
	}
}

func TestSignerFileErrorsSayHowToMend(t *testing.T) {
	w := newWorld(t)
	good, odd, text := filepath.Join(w.dir, "good.pem"), filepath.Join(w.dir, "odd.pem"), filepath.Join(w.dir, "text.pem")
	writeKey(t, good, elliptic.P256())
	raw := writeOdd(t)
	for path, content := range map[string]string{odd: raw, text: "canary"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		paths []string
		want  string
	}{
		"none":  {[]string{""}, "needs the path of a private key file"},
		"gone":  {[]string{filepath.Join(w.dir, "none.pem")}, "no such file"},
		"text":  {[]string{text}, "there is no private key in PEM form in it"},
		"curve": {[]string{odd}, "we sign with RS256, PS256, ES256, ES384 and EdDSA"},
		"twice": {[]string{good, good}, "realm /b: signer 2 is the same key as one before it"},
	} {
		t.Run(name, func(t *testing.T) { w.mustFail(w.withSigners(row.paths...), row.want) })
	}
}

func writeOdd(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

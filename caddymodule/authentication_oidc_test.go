package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// openOIDC provisions and opens the service of a Caddyfile line and its block.
func openOIDC(t *testing.T, text string) (login.Service, error) {
	t.Helper()
	module := new(caddymodule.OIDCAuthentication)
	if err := module.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatal(err)
	}
	if err := module.Provision(caddy.Context{}); err != nil {
		return nil, err
	}
	return module.Open("corp", nil, nil)
}

func TestOIDCAuthenticationOpensWithoutAskingTheProvider(t *testing.T) {
	t.Setenv("CORP_SECRET", "secret")
	service, err := openOIDC(t, "oidc https://idp.invalid/ {\nclient_id caddy\nclient_secret {env.CORP_SECRET}\nlabel \"Example Inc.\"\n}")
	if err != nil {
		t.Fatal(err)
	}
	redirects, ok := service.(login.Redirects)
	if !ok || redirects.Label() != "Example Inc." {
		t.Errorf("%T", service)
	}
	if _, ok := service.(login.Passwords); ok {
		t.Error("it takes passwords: it could serve the password grant")
	}
}

func TestOIDCAuthenticationRefusesWhatCannotWork(t *testing.T) {
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noCertificate, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for lines, says := range map[string]string{
		"":                                     "has no client_id",
		"client_id {env.NO_SUCH_THING}":        "client_id: ",
		"client_secret {env.NO_SUCH_THING}":    "client_secret is not there: the placeholder {env.NO_SUCH_THING} is empty",
		"client_id a\nauth basic":              "auth basic needs a client_secret",
		"client_id a\nscopes profile":          "scopes must have openid among them",
		"client_id a\nclaim scope roles":       "claim scope belongs to the protocol",
		"client_id a\nallow_private 10.1":      "allow_private takes ranges of addresses",
		"client_id a\ntls_ca /nonexistent":     "tls_ca: ",
		"client_id a\ntls_ca " + noCertificate: "holds no certificate in PEM form",
	} {
		service, err := openOIDC(t, "oidc https://idp.example.com {\n"+lines+"\n}")
		if err == nil || service != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", lines, err, says)
		}
	}
}

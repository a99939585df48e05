package caddymodule_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule"
)

// In report_only nothing is refused, nobody is given an identity that was not
// verified, and an upstream that checks tokens by itself still can.
func TestReportOnlyLetsEverythingPassAndForgesNothing(t *testing.T) {
	g := newGateway(t, setup{
		globals: keepAliases(),
		block: `mode report_only
		public /public
		allow * /write* scope write
		allow * /read*`,
	})
	good := g.bearer(nil)
	twice := []string{good, "Authorization: Bearer other"}
	for name, c := range map[string]struct {
		request       string
		headers       []string
		authorization []string
		identity      bool
	}{
		"allowed":         {"GET /read", []string{good}, []string{good}, true},
		"public":          {"GET /public", nil, nil, false},
		"no token":        {"GET /read", nil, nil, false},
		"bad token":       {"GET /read", []string{"Authorization: Bearer bad"}, []string{"Authorization: Bearer bad"}, false},
		"expired":         {"GET /read", []string{g.bearer(map[string]any{"exp": 1})}, nil, false},
		"two tokens":      {"GET /read", twice, twice, false},
		"scope":           {"GET /write", []string{good}, []string{good}, false},
		"no rule":         {"GET /other", []string{good}, []string{good}, false},
		"ambiguous path":  {"GET /read//x", []string{good}, []string{good}, false},
		"method override": {"GET /write", []string{good, "X-HTTP-Method-Override: PUT"}, []string{good}, false},
	} {
		forged := []string{"X-Auth-Subject: root", "x_auth_scope: root", "Connection: close, X-Auth-Issuer", "DPoP: proof"}
		wantStatus(t, g.send(c.request, append(forged, c.headers...)...), http.StatusOK)
		raw := g.upstream.next()
		if raw == "" || strings.Contains(raw, "root") {
			t.Errorf("%s: the upstream got\n%s", name, raw)
		}
		if subject := header(raw, "X-Auth-Subject"); (len(subject) == 1 && subject[0] == "frida") != c.identity || len(subject) > 1 {
			t.Errorf("%s: the identity is %q", name, subject)
		}
		for _, want := range c.authorization {
			_, value, _ := strings.Cut(want, ": ")
			if !slices.Contains(header(raw, "Authorization"), value) {
				t.Errorf("%s: the credentials did not arrive as they came:\n%s", name, raw)
			}
		}
		if name == "method override" && !strings.Contains(raw, "Override: PUT") {
			t.Errorf("%s: taken off:\n%s", name, raw)
		}
	}
}

// An issuer that cannot be asked takes no API down that is only watched.
func TestReportOnlyPassesWhatCannotBeChecked(t *testing.T) {
	g := newGateway(t, setup{block: "mode report_only"})
	token := g.bearer(nil)
	g.issuer.Close()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	// With nothing kept of the issuer either.
	anew := regexp.MustCompile(`storage file_system \S+`).ReplaceAllLiteralString(g.caddyfile, "storage file_system "+t.TempDir())
	if err := load(t, anew); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, g.send("GET /", token, "X-Auth-Subject: root"), http.StatusOK)
	if raw := g.upstream.next(); len(header(raw, "X-Auth-Subject")) != 0 || len(header(raw, "Authorization")) != 1 {
		t.Errorf("the upstream got\n%s", raw)
	}
}

// Each class of refusals has a line, and its share of them only (F29).
func TestF29_ReportOnlySaysWhatItWouldRefuse(t *testing.T) {
	caddymodule.ForgetLines()
	file := filepath.Join(t.TempDir(), "log")
	g := newGateway(t, setup{log: "output file " + file + "\nformat json", block: "mode report_only\nallow * /write scope write"})
	for range 150 {
		g.send("GET /write", "Authorization: Bearer bad")
		g.upstream.next()
	}
	g.send("GET /write", g.bearer(nil))
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(string(text), `"reason":"issuer"`) // an opaque token, and nobody to ask
	if lines < 100 || lines > 149 {
		t.Errorf("%d lines for 150 requests", lines)
	}
	for _, want := range []string{
		`"level":"warn"`, "lets a request pass that it would refuse",
		`"reason":"insufficient_scope","issuer":"` + g.issuer.URL + `","status":403,"sub":"frida","client_id":"shop","not_logged":0`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}

package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newMatching runs a site whose routes ask token matchers. ISSUER in its text
// stands for an issuer, the brace that opens the block, and an audience.
func newMatching(t *testing.T, log, site string) *gateway {
	t.Helper()
	g := &gateway{t: t, issuer: newTestIssuer(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	site = strings.ReplaceAll(site, "ISSUER", g.issuer.URL+" {\naudience "+apiAudience)
	if err := load(t, config(t, log, "", "http://"+g.address+" {\n"+site+"\n}\n")); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTokenMatchersAskTheVerifiedToken(t *testing.T) {
	g := newMatching(t, "", `
	bearer_auth /api* ISSUER
		mode optional
		public /api/public
		allow * *
	}
	@writer token_scope read write
	@any token_scope any audit admin
	@admin {
		token_claim realm_access.roles admin root
		token_claim https://claims.test/tenant 7
	}
	@cel expression `+"`token_scope(\"a\", \"b\") || token_claim(\"tier\", \"gold\", \"silver\")`"+`
	@nobody not {
		token_scope read
	}
	handle @admin {
		respond admin
	}
	handle @writer {
		respond writer
	}
	handle @any {
		respond any
	}
	handle @cel {
		respond cel
	}
	respond @nobody nobody
	respond "read"`)
	admin := map[string]any{"realm_access": map[string]any{"roles": []string{"x", "root"}}, "https://claims.test/tenant": 7}
	for name, c := range map[string]struct {
		path   string
		claims map[string]any
		want   string
	}{
		"all of a scope":           {"/api", map[string]any{"scope": "write read"}, "writer"},
		"some of it":               {"/api", map[string]any{"scope": "read"}, "read"},
		"any of a scope":           {"/api", map[string]any{"scope": "x admin"}, "any"},
		"claims":                   {"/api", admin, "admin"},
		"one of the claims":        {"/api", map[string]any{"realm_access": admin["realm_access"]}, "read"},
		"expression, scope":        {"/api", map[string]any{"scope": "b a"}, "cel"},
		"expression, claim":        {"/api", map[string]any{"tier": "silver"}, "cel"},
		"expression, neither":      {"/api", map[string]any{"tier": "tin"}, "read"},
		"public":                   {"/api/public", admin, "nobody"},
		"outside the bearer_auth":  {"/other", admin, "nobody"},
		"anonymous":                {"/api", nil, "nobody"},
		"anonymous and not public": {"/api/x", nil, "nobody"},
	} {
		var headers []string
		if c.claims != nil {
			headers = []string{g.bearer(c.claims)}
		}
		response := g.send("GET "+c.path, headers...)
		if body, _ := io.ReadAll(response.Body); string(body) != c.want {
			t.Errorf("%s: status %d, %q, want %q", name, response.StatusCode, body, c.want)
		}
	}
}

// A matcher that is asked too early has no answer: a no would open what stands
// behind a not, and would be right by accident.
func TestRS39_ATokenMatcherBeforeTheDecisionIsAnError(t *testing.T) {
	for name, site := range map[string]string{
		"no bearer_auth":       "@x token_scope read\nrespond @x yes\nrespond no",
		"behind a not":         "@x not token_scope read\nrespond @x yes\nrespond no",
		"claim":                "@x token_claim sub frida\nrespond @x yes\nrespond no",
		"expression":           "@x expression `token_scope(\"read\")`\nrespond @x yes\nrespond no",
		"an earlier directive": "bearer_auth ISSUER\n}\n@x token_scope read\nredir @x /elsewhere\nrespond no",
		"its own matcher":      "@x token_scope read\nbearer_auth @x ISSUER\n}\nrespond unguarded",
	} {
		file := filepath.Join(t.TempDir(), "log")
		g := newMatching(t, "output file "+file, site)
		wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusInternalServerError)
		text, _ := os.ReadFile(file)
		if !strings.Contains(string(text), "put bearer_auth before it") {
			t.Errorf("%s: the log does not say how to mend it:\n%s", name, text)
		}
	}
	// In a route of its own, after bearer_auth, such a directive works.
	g := newMatching(t, "", "bearer_auth ISSUER\n}\nroute {\n@x token_scope read\nheader @x X-Reader yes\nrespond ok\n}")
	response := g.send("GET /", g.bearer(nil))
	wantStatus(t, response, http.StatusOK)
	if response.Header.Get("X-Reader") != "yes" {
		t.Errorf("the matcher did not match: %v", response.Header)
	}
}

func TestTokenMatchersThatAreRefused(t *testing.T) {
	for expression, want := range map[string]string{
		"@x token_scope \"a\\\\b\"\nrespond @x x":              "is not a scope",
		"@x token_claim \"\" x\nrespond @x x":                  "a claim needs its name",
		"@x expression `token_claim(\"a\")`\nrespond @x x":     "a claim needs its name and the values",
		"@x expression `token_scope()`\nrespond @x x":          "at least one argument",
		"@x expression `token_scope(request.x)`\nrespond @x x": "string constants",
		"@x expression `token_scope(\"a b\")`\nrespond @x x":   "is not a scope",
	} {
		err := load(t, config(t, "", "", fmt.Sprintf("http://127.0.0.1:%d {\n%s\n}\n", freePort(t), expression)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
}

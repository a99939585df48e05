package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var shownSecret = regexp.MustCompile(`shown this once: ([A-Za-z0-9_-]{43})\n`)

// secretIn finds the secret that a command shows.
func secretIn(t *testing.T, g told) string {
	t.Helper()
	found := shownSecret.FindStringSubmatch(g.stdout)
	if found == nil {
		t.Fatalf("no secret in:\n%s", g.stdout)
	}
	return found[1]
}

// The operator's commands for clients and realms, through the real binary.
func TestClientCommands(t *testing.T) {
	w := startExample(t)
	client := func(stdin string, args ...string) told {
		return w.operate(stdin, append([]string{"oauth2-client"}, args...)...)
	}
	client("", "list").must(t, 0, "myClient\n", "of the configuration, realm /")
	made := client("", "create", "batch", "--grants", "client_credentials", "--scopes", "read,write", "--default-scopes", "read", "--name", "Nightly")
	made.must(t, 0, "batch\n", "confidential, of the store, realm /", "grants client_credentials")
	secret := secretIn(t, made)
	w.wantOfClient("batch", secret, http.StatusOK)

	// What is shown can be edited and given back.
	shown := client("", "get", "batch")
	shown.must(t, 0, `"name": "Nightly"`)
	if strings.Contains(shown.stdout, secret) {
		t.Error("the secret is shown again")
	}
	file := filepath.Join(t.TempDir(), "client.json")
	if err := os.WriteFile(file, []byte(strings.Replace(shown.stdout, "Nightly", "Hourly", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	client("", "update", "batch", "--file", file).must(t, 0, "batch\n")
	client("", "get", "batch").must(t, 0, `"name": "Hourly"`)
	client(`{"id":"batch","grants":["client_credentials"],"redirect_uri":"x"}`, "update", "batch", "--file", "-").must(t, 2, "is no member")
	client("", "update", "batch", "--disabled").must(t, 0, "DISABLED")
	w.wantOfClient("batch", secret, http.StatusUnauthorized)
	client("", "update", "batch", "--disabled=false", "--version", "1").must(t, 2, "changed meanwhile")
	client("", "update", "batch", "--disabled=false").must(t, 0)
	client("", "update", "myClient", "--name", "x").must(t, 2, "change it there")

	next := client("", "secret", "batch", "--add", "--expires-in", "90d")
	next.must(t, 0, "expires 20")
	w.wantOfClient("batch", secretIn(t, next), http.StatusOK)
	client("", "secret", "batch", "--add").must(t, 2, "has 2 secrets")
	var answer struct{ Secrets []struct{ ID string } }
	raw := client("", "get", "batch", "--json")
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil || len(answer.Secrets) != 2 {
		t.Fatalf("%v: %s", err, raw.stdout)
	}
	client("", "secret", "batch").must(t, 0, "secret "+answer.Secrets[0].ID, "secret "+answer.Secrets[1].ID)
	for _, each := range answer.Secrets {
		client("", "secret", "batch", "--remove", each.ID).must(t, 0)
	}
	w.wantOfClient("batch", secret, http.StatusUnauthorized)
	client("chosen by an operator\n", "secret", "batch", "--add", "--chosen").must(t, 0)
	w.wantOfClient("batch", "chosen by an operator", http.StatusOK)

	// It outlives the process.
	w.restart()
	w.wantOfClient("batch", "chosen by an operator", http.StatusOK)

	realm := func(args ...string) told { return w.operate("", append([]string{"oauth2-realm"}, args...)...) }
	realm("list").must(t, 0, "/customers\n  issuer ", "client_credentials on\n")
	realm("switch", "--grants", "client_credentials=off,password=on").must(t, 0, "client_credentials off, switched by an operator")
	w.wantOfClient("batch", "chosen by an operator", http.StatusBadRequest)
	realm("switch", "--disabled", "on").must(t, 0, "DISABLED", "client_credentials off, switched by an operator")
	w.wantOfClient("batch", "chosen by an operator", http.StatusServiceUnavailable)
	realm("switch", "--disabled", "off", "--grants", "client_credentials=config").must(t, 0, "client_credentials on\n", "password           on, switched by an operator")
	w.wantOfClient("batch", "chosen by an operator", http.StatusOK)
	for want, args := range map[string][]string{
		"say what to do":       {"turn"},
		"say what to switch":   {"switch"},
		"there is no realm":    {"switch", "--realm", "/x", "--disabled", "on"},
		"is on, off or config": {"switch", "--disabled", "maybe"},
	} {
		realm(args...).must(t, 2, want)
	}

	client("", "delete", "batch").must(t, 0)
	w.wantOfClient("batch", "chosen by an operator", http.StatusUnauthorized)
	client("", "delete", "batch").must(t, 2, "no client")
	client("", "get").must(t, 2, "name the client")
	client("").must(t, 2, "say what to do")
}

// wantOfClient asks for a token of a client's own.
func (w *world) wantOfClient(id, secret string, want int) {
	w.t.Helper()
	status, body := ask(w.t, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.auth+"/oauth2/access_token", strings.NewReader("grant_type=client_credentials"))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(id, strings.ReplaceAll(secret, " ", "+"))
		}
		return r, err
	})
	if status != want {
		w.t.Fatalf("%s gets %d %s, want %d", id, status, body, want)
	}
}

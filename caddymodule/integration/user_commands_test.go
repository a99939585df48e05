package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wantSignIn sees whether the password grant of the root realm takes a password.
func (w *world) wantSignIn(username, password string, want int) {
	w.t.Helper()
	form := url.Values{"grant_type": {"password"}, "username": {username}, "password": {password}, "scope": {"write"}}
	status, body := ask(w.t, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.auth+"/oauth2/access_token", strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("myClient", "forgerock")
		}
		return r, err
	})
	if status != want {
		w.t.Fatalf("%s gets %d %s, want %d", username, status, body, want)
	}
}

// The operator's commands for users, through the real binary.
func TestUserCommands(t *testing.T) {
	w := startExample(t)
	w.caddyfile = strings.ReplaceAll(w.caddyfile, "ldapService file docs/example/users.yaml", "ldapService store")
	w.restart()
	user := func(stdin string, args ...string) told {
		return w.operate(stdin, append([]string{"oauth2-user"}, args...)...)
	}
	const first, second = "vexing otters at dawn", "vexing otters at dusk"
	claims := filepath.Join(t.TempDir(), "claims.json")
	if err := os.WriteFile(claims, []byte(`{"name":"Alice"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	user(first+"\n", "create", "alice", "--id", "1001", "--claims", claims).must(t, 0, "alice\n  id 1001, of the service ldapService, realm /\n  subject 1001\n  password 20", `claims {"name":"Alice"}`)
	w.wantSignIn("alice", first, http.StatusOK)
	user("", "create", "bob", "--no-password", "--disabled").must(t, 0, "DISABLED", "password none")
	user("", "list").must(t, 0, "alice\n", "bob\n")
	if list := user("", "list", "--prefix", "al"); strings.Contains(list.stdout, "bob") {
		t.Errorf("with a prefix:\n%s", list.stdout)
	}
	user("", "show", "alice").must(t, 0, "subject 1001")
	user("", "show", "--id", "1001").must(t, 0, "alice\n")

	user(second, "password", "alice").must(t, 0)
	w.wantSignIn("alice", first, http.StatusBadRequest)
	w.wantSignIn("alice", second, http.StatusOK)
	const hash = "$argon2id$v=19$m=64,t=3,p=2$1llmgT9q9L+5as0xj8dnTQ$0j8opgIqvDdgsz294rMgwA" // of Ch4ng31t
	user(hash+"\n", "password", "--id", "1001", "--hash").must(t, 0)
	w.wantSignIn("alice", "Ch4ng31t", http.StatusOK)

	user("", "set", "alice", "--username", "Alice").must(t, 0, "Alice\n", `claims {"name":"Alice"}`)
	user(`{"name":"Alice Liddell"}`, "set", "Alice", "--claims", "-").must(t, 0, `claims {"name":"Alice Liddell"}`)
	user("", "disable", "Alice").must(t, 0, "DISABLED", `claims {"name":"Alice Liddell"}`)
	w.wantSignIn("Alice", "Ch4ng31t", http.StatusBadRequest)
	if enabled := user("", "enable", "Alice"); enabled.code != 0 || strings.Contains(enabled.stdout, "DISABLED") {
		t.Errorf("%+v", enabled)
	}
	raw := user("", "show", "Alice", "--json")
	var answer struct {
		Version  int64
		Username string
	}
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil || answer.Username != "Alice" {
		t.Fatalf("%v: %s", err, raw.stdout)
	}

	// It outlives the process.
	w.restart()
	w.wantSignIn("Alice", "Ch4ng31t", http.StatusOK)
	user("", "delete", "Alice").must(t, 0)
	w.wantSignIn("Alice", "Ch4ng31t", http.StatusBadRequest)

	for want, args := range map[string][]string{
		"name the user": {"show"}, "say what to do": {"turn", "bob"}, "list takes no user": {"list", "bob"}, "there is no user": {"disable", "Alice"},
		"no such user": {"show", "--id", "1001"}, "say what to set": {"set", "bob"}, "no password on standard input": {"password", "bob"},
		"changed meanwhile": {"enable", "bob", "--version", "1"}, "there is no such realm": {"list", "--realm", "/nope"},
		"name one of realm": {"list", "--service", "nobody"}, "already": {"create", "bob", "--no-password"},
	} {
		user("", args...).must(t, 2, want)
	}
	user("otters\n", "password", "bob").must(t, 2, "shorter than 15 characters")
	user("[", "set", "bob", "--claims", "-").must(t, 2, "no JSON document")
	for _, secret := range []string{first, second, hash} {
		if strings.Contains(w.output(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

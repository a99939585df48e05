package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// told is what a command of the binary said.
type told struct {
	code           int
	stdout, stderr string
}

// operate runs a command of the binary against the world's admin endpoint.
func (w *world) operate(stdin string, args ...string) told {
	w.t.Helper()
	cmd := command(w.t, w.home, append(args, "--address", w.adminAddress)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return told{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must fails the test when a command ends or speaks otherwise.
func (g told) must(t *testing.T, code int, want ...string) {
	t.Helper()
	if g.code != code {
		t.Errorf("exit code %d, want %d", g.code, code)
	}
	for _, text := range want {
		if !strings.Contains(g.stdout+g.stderr, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", g.stdout, g.stderr)
	}
}

// clientToken gets an access token of the root realm for the demo client.
func (w *world) clientToken(scope string) string {
	w.t.Helper()
	_, body := ask(w.t, func() (*http.Request, error) {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.auth+"/oauth2/access_token", strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("myClient", "forgerock")
		}
		return r, err
	})
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.AccessToken == "" {
		w.t.Fatalf("no token: %s", body)
	}
	return answer.AccessToken
}

// calls sends the token to the guarded API and gives the status.
func (w *world) calls(token string) int {
	w.t.Helper()
	status, _ := ask(w.t, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.api+"/", nil)
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return r, err
	})
	return status
}

// The operator's commands, through the real binary.
func TestCommands(t *testing.T) {
	w := startExample(t)
	token := w.clientToken("write")

	w.operate(token+"\n", "oauth2-explain", "--audience", w.api).must(t, 0, "decision   allowed", "vouched for by the issuer", `"client_id": "myClient"`)
	w.operate("", "oauth2-explain", "--audience", w.api, "--path", "/write", token).must(t, 0, "allow * /write* scope write")
	w.operate(w.clientToken("profile"), "oauth2-explain", "--path", "/write", "-").must(t, 1, "refused: insufficient_scope", "needs      write", "no bearer_auth lets")
	w.operate("rubbish", "oauth2-explain").must(t, 1, "refused: ", "help ")
	w.operate("", "oauth2-explain").must(t, 2, "no token on standard input")
	w.operate("Bearer "+token, "oauth2-explain").must(t, 2, "without the word Bearer")
	w.operate(token, "oauth2-explain", "a", "b").must(t, 2, "too many arguments")
	w.operate(token, "oauth2-explain", "--path", "nowhere").must(t, 2, "path is the path")
	raw := w.operate(token, "oauth2-explain", "--json", "--audience", w.api)
	raw.must(t, 0)
	var answer struct{ Allowed bool }
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil || !answer.Allowed {
		t.Errorf("%v: %s", err, raw.stdout)
	}

	w.operate("", "oauth2-issuers").must(t, 0, w.auth+"/oauth2\n  ready, realm / of this process")
	w.operate("", "oauth2-issuers", "--refresh").must(t, 0)
	w.operate("", "oauth2-issuers", "--issuer", w.auth+"/oauth2").must(t, 2, "give both")

	if status := w.calls(token); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	w.operate("", "oauth2-deny").must(t, 2, "--jti, --sub, --sid or --client")
	w.operate("", "oauth2-deny", "--client", "myClient", "--issuer", w.auth+"/oauth2", "--expires-in", "2h").must(t, 0, `client "myClient" issuer `, "denied until")
	if status := w.calls(token); status != http.StatusUnauthorized {
		t.Errorf("status %d of a denied token", status)
	}
	w.operate(token, "oauth2-explain", "--audience", w.api).must(t, 1, "refused: denied", "entry ")
	w.operate("", "oauth2-deny", "--list").must(t, 0, `client "myClient"`)

	// It outlives the process.
	w.restart()
	if status := w.calls(token); status != http.StatusUnauthorized {
		t.Errorf("status %d of a denied token after a restart", status)
	}
	w.operate("", "oauth2-deny", "--client", "myClient", "--issuer", w.auth+"/oauth2", "--remove").must(t, 0)
	if status := w.calls(token); status != http.StatusOK {
		t.Errorf("status %d of a token that is denied no more", status)
	}
	w.operate("", "oauth2-deny", "--client", "myClient", "--remove").must(t, 2, "no such entry")
	if list := w.operate("", "oauth2-deny", "--list"); list.code != 0 || list.stdout != "" {
		t.Errorf("the list is %+v", list)
	}

	// F30: the token was in none of that.
	if signature := token[strings.LastIndex(token, ".")+1:]; strings.Contains(w.output(), signature) {
		t.Error("the token is in the log")
	}

	w.stop()
	for _, args := range [][]string{{"oauth2-explain"}, {"oauth2-issuers"}, {"oauth2-deny", "--list"}} {
		w.operate(token, args...).must(t, 2, "dial tcp")
	}
}

// An endpoint that is not there is told, with what to do about it; another Caddy
// at Caddy's default address is not asked in its place.
func TestCommandsSayWhyThereIsNoAdminEndpoint(t *testing.T) {
	home := t.TempDir()
	off := filepath.Join(home, "Caddyfile")
	writeFile(t, off, "{\n\tadmin off\n}\n")
	nobody := fmt.Sprintf("localhost:%d", freePorts(t, 1)[0])
	for _, name := range [][]string{
		{"oauth2-audit"}, {"oauth2-backup", filepath.Join(home, "copy.db")}, {"oauth2-client", "list"}, {"oauth2-consent", "list", "--subject", "demo"},
		{"oauth2-deny", "--list"}, {"oauth2-explain", "token"}, {"oauth2-issuers"}, {"oauth2-keys", "list"}, {"oauth2-realm", "list"}, {"oauth2-token", "grants"},
		{"oauth2-user", "list"},
	} {
		for want, where := range map[string][]string{
			"says `admin off`":             {"--config", off},
			"no admin endpoint answers at": {"--address", nobody},
		} {
			out, err := command(t, home, append(name, where...)...).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), want) {
				t.Errorf("%s %s: %v, want 2 and %q: %s", name[0], where[0], err, want, out)
			}
		}
	}
}

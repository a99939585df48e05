package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// userTokens signs the user demo in by the password grant of a realm's path.
func (w *world) userTokens(path string) (access, refresh string) {
	w.t.Helper()
	_, body := ask(w.t, func() (*http.Request, error) {
		form := url.Values{"grant_type": {"password"}, "username": {"demo"}, "password": {"Ch4ng31t"}, "scope": {"openid profile"}}
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.auth+path+"/access_token", strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("myClient", "forgerock")
		}
		return r, err
	})
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Access == "" || answer.Refresh == "" {
		w.t.Fatalf("no tokens: %s", body)
	}
	return answer.Access, answer.Refresh
}

// An operator issues, inspects, lists and revokes tokens through the real binary.
func TestTokenCommands(t *testing.T) {
	w := startExample(t)
	access, refresh := w.userTokens("/oauth2")
	theirs, _ := w.userTokens("/oauth2/realms/root/realms/customers")

	said := w.operate(access+"\n", "oauth2-token", "inspect")
	said.must(t, 0, "jwt access token active\n", "realm      /\n", `client     "myClient"`, `subject    "demo"`, "scope      openid profile", "\ngrant ", "password of ")
	w.operate(refresh, "oauth2-token", "inspect", "-").must(t, 0, "refresh token active", "refresh token 1 until")
	w.operate(theirs, "oauth2-token", "inspect").must(t, 0, "realm      /customers\n")
	w.operate(theirs, "oauth2-token", "inspect", "--realm", "/").must(t, 1, "not ours", "oauth2-explain")
	w.operate("rubbish", "oauth2-token", "inspect").must(t, 1, "not ours")
	if wrong := w.operate("", "oauth2-token", "inspect", access); wrong.code != 2 || strings.Contains(wrong.stderr+wrong.stdout, access) {
		t.Errorf("a token as an argument: %+v", wrong)
	}

	made := w.operate("", "oauth2-token", "issue", "--client", "myClient", "--scope", "write")
	made.must(t, 0)
	own := strings.TrimSpace(made.stdout)
	if status := w.calls(own); status != http.StatusOK {
		t.Errorf("status %d for an issued token", status)
	}
	w.operate("", "oauth2-token", "issue", "--client", "nobody").must(t, 2, "no such client")
	w.operate("", "oauth2-token", "issue", "--client", "myClient", "--scope", "root").must(t, 2, "scope")

	list := w.operate("", "oauth2-token", "grants", "--subject", "demo")
	list.must(t, 0, `active, client "myClient" subject "demo"`)
	grant := regexp.MustCompile(`(?m)^[0-9a-f]{32}`).FindString(list.stdout)
	w.operate("", "oauth2-token", "revoke", "--grant", grant).must(t, 0, "realm /: ended 1 grants\n")
	w.operate("", "oauth2-token", "revoke", "--grant", grant).must(t, 0, "ended 0 grants\n")
	w.operate("", "oauth2-token", "revoke", "--grant", grant, "--realm", "/customers").must(t, 2, "no such grant")
	w.operate(access, "oauth2-token", "inspect").must(t, 1, "access token revoked, by its grant")
	if status := w.calls(access); status != http.StatusUnauthorized {
		t.Errorf("status %d for a token of a revoked grant", status)
	}

	// By subject: only what is of it, only here, and not what comes after.
	access, _ = w.userTokens("/oauth2")
	raw := w.operate("", "oauth2-token", "revoke", "--subject", "demo", "--json")
	raw.must(t, 0)
	var answer struct{ Grants int }
	if err := json.Unmarshal([]byte(raw.stdout), &answer); err != nil || answer.Grants != 1 {
		t.Errorf("%v: %s", err, raw.stdout)
	}
	w.operate(access, "oauth2-token", "inspect").must(t, 1, "revoked, by its subject")
	for text, want := range map[string]int{access: http.StatusUnauthorized, own: http.StatusOK, theirs: http.StatusOK} {
		if status := w.calls(text); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	access, refresh = w.userTokens("/oauth2")
	if status := w.calls(access); status != http.StatusOK {
		t.Errorf("status %d for a token that was issued afterwards", status)
	}

	// By what it is, and by client, also when the process is another one.
	w.operate(own, "oauth2-token", "revoke", "--token-stdin").must(t, 0, "1 access tokens")
	w.operate(refresh, "oauth2-token", "revoke", "--token-stdin").must(t, 0, "ended 1 grants")
	w.operate("rubbish", "oauth2-token", "revoke", "--token-stdin").must(t, 2, "no realm knows")
	own = w.clientToken("write")
	w.operate("", "oauth2-token", "revoke", "--client", "myClient").must(t, 0, "realm /: ended ")
	w.restart()
	for text, want := range map[string]int{access: http.StatusUnauthorized, own: http.StatusUnauthorized, theirs: http.StatusOK, w.clientToken("write"): http.StatusOK} {
		if status := w.calls(text); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}

	w.operate("", "oauth2-token", "sessions", "--subject", "demo").must(t, 0)
	w.operate("", "oauth2-consent", "list", "--subject", "demo").must(t, 0)
	w.operate("", "oauth2-consent", "revoke", "--subject", "demo", "--client", "myClient", "--realm", "/customers").must(t, 0, "realm /customers: ended 1 grants")
	if status := w.calls(theirs); status != http.StatusUnauthorized {
		t.Errorf("status %d for a token of a revoked consent", status)
	}
	for _, wrong := range [][]string{
		{"oauth2-token"}, {"oauth2-token", "destroy"}, {"oauth2-token", "revoke"}, {"oauth2-token", "revoke", "--subject", "a", "--client", "b"},
		{"oauth2-token", "grants", "x"}, {"oauth2-token", "sessions"}, {"oauth2-token", "inspect"}, {"oauth2-consent"}, {"oauth2-consent", "list"},
		{"oauth2-token", "revoke", "--subject", "a", "--realm", "/none"}, {"oauth2-token", "issue"},
	} {
		w.operate("", wrong...).must(t, 2)
	}

	// F30: none of them is in the log.
	for _, token := range []string{access, own, theirs, refresh} {
		if strings.Contains(w.output(), token[len(token)-40:]) {
			t.Error("a token is in the log")
		}
	}
}

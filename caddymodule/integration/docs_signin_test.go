package integration

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// The server of docs/sign-in.md does what the document says of it.
func TestTheDocumentedSignIn(t *testing.T) {
	g := startOperated(t, startExample(t), "sign-in.md")
	operate := func(stdin string, args ...string) {
		t.Helper()
		cmd := command(t, g.home, append(args, "--address", g.admin)...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	const password = "vexing otters at dawn"
	operate(password+"\n", "oauth2-user", "create", "alice")

	config := oauth2.Config{
		ClientID: "web", RedirectURL: "https://app.example.com/callback", Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: g.auth + "/oauth2/authorize"},
	}
	b := newBrowser(t, g.auth)
	at := b.open(config.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	wrong := map[string]string{"username": "alice", "password": "wrong"}
	for range 5 {
		if at = b.submit(at, wrong); at.status != http.StatusForbidden {
			t.Fatalf("a wrong password is %d", at.status)
		}
	}
	// Each failure more makes the next wait longer: a slow machine is limited soon.
	for tries := 0; at.status == http.StatusForbidden && tries < 10; tries++ {
		at = b.submit(at, wrong)
	}
	if at.status != http.StatusTooManyRequests || at.header.Get("Retry-After") == "" {
		t.Fatalf("failures are %d, Retry-After %q", at.status, at.header.Get("Retry-After"))
	}
	operate("", "oauth2-unlock", "--user", "alice")
	at = b.submit(at, map[string]string{"username": "alice", "password": password})
	if !strings.HasSuffix(at.url.Path, "/login/enrol") || !strings.Contains(string(at.body), "Set up your authenticator app") {
		t.Errorf("the password alone leads to %d %s\n%s", at.status, at.url, at.body)
	}
	if !strings.Contains(string(at.body), "Example Orders") {
		t.Errorf("the page has another name:\n%s", at.body)
	}
}

package oidc_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login/oidc"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

const npmFolder = "../../../caddymodule/integration/testdata/npm"

// startProvider runs a provider that others wrote and gives its issuer.
func startProvider(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(npmFolder, "node_modules"))
	}
	if err != nil {
		what := "needs Node.js and packages: apt install nodejs npm; npm ci --ignore-scripts --prefix caddymodule/integration/testdata/npm"
		if os.Getenv("CI") == "true" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	cmd := exec.CommandContext(t.Context(), node, "oidc-provider-signin.mjs", strconv.Itoa(port))
	cmd.Dir = npmFolder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "ready" {
			return fmt.Sprintf("http://127.0.0.1:%d", port)
		}
	}
	t.Fatal("the provider does not serve")
	return ""
}

// browse follows a browser from page to page until it is sent back to us.
func browse(t *testing.T, client *http.Client, location string) url.Values {
	t.Helper()
	for range 10 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, location, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		next, err := response.Location()
		if err != nil {
			t.Fatalf("%s answered %d: %v", location, response.StatusCode, err)
		}
		if location = next.String(); strings.HasPrefix(location, callback+"?") {
			return next.Query()
		}
	}
	t.Fatalf("the browser does not come back from %s", location)
	return nil
}

func TestSignInWithOIDCProvider(t *testing.T) {
	issuer := startProvider(t)
	w := newWorld(t)
	service, err := oidc.Open(oidc.Settings{
		Issuer: issuer, ClientID: "caddy", ClientSecret: oauth.NewSecret("caddy-secret"),
		Claims: map[string]string{"groups": "groups"}, Allow: []oidc.Condition{{Claim: "email", Values: []string{"*@example.com"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now
	w.service = service.Bind("corp", login.Binding{Realm: "/", Store: w.store, Log: slog.New(slog.NewTextHandler(w.logged, nil)), Now: now}).(login.Redirects)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)

	signIn := func(d login.Departure) (login.Arrival, url.Values, string, error) {
		t.Helper()
		location, kept := w.depart(t, d)
		answer := browse(t, client, location)
		arrival, err := w.service.Arrive(t.Context(), answer, callback, kept)
		return arrival, answer, kept, err
	}
	began := now()
	first, answer, kept, err := signIn(login.Departure{Hint: "ann", Languages: []string{"de"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "ann Example", "preferred_username": "ann", "email": "ann@example.com", "email_verified": true, "groups": []any{"staff", "ops"},
	}
	if first.Account.ID != "ann" || first.Account.Username != "ann" || !reflect.DeepEqual(first.Account.Claims, want) {
		t.Errorf("account %+v", first.Account)
	}
	if got, err := w.service.Account(t.Context(), "ann"); err != nil || !reflect.DeepEqual(got.Claims, want) {
		t.Errorf("later: %+v, %v", got, err)
	}
	_, err = w.service.Arrive(t.Context(), answer, callback, kept)
	wantRefused(t, "the same code again", err, oidc.ReasonCode)

	// Signed in there, nobody is asked; asked for again, they are.
	if again, _, _, err := signIn(login.Departure{Hint: "ann", Again: true}); err != nil || again.Account.ID != "ann" || again.At.Before(began.Truncate(time.Second)) {
		t.Errorf("again: %+v, %v", again, err)
	}
	_, _, _, err = signIn(login.Departure{Hint: "nobody", Again: true})
	wantRefused(t, "somebody who cancels", err, "access_denied")
	if lines := w.logged.lines(); len(lines) != 0 {
		t.Errorf("log: %s", lines)
	}

	wrong, err := oidc.Open(oidc.Settings{Issuer: issuer, ClientID: "caddy", ClientSecret: oauth.NewSecret("mistaken")})
	if err != nil {
		t.Fatal(err)
	}
	w.service = wrong.Bind("corp", login.Binding{Realm: "/", Store: w.store, Log: slog.New(slog.NewTextHandler(w.logged, nil)), Now: now}).(login.Redirects)
	_, _, _, err = signIn(login.Departure{Hint: "ann"})
	wantFault(t, "a wrong secret", err, "see to client_id, client_secret and auth (basic)")
}

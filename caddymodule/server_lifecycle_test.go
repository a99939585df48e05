package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestReloadKeepsTheStore(t *testing.T) {
	w := newWorld(t)
	before := w.load(w.config("a", ""))
	opened := before.backend.backend.Load()
	token := tokenFor(t, before, "/oauth2", "a")
	old, err := before.realmIssuer("/")
	if err != nil {
		t.Fatal(err)
	}
	known, err := introspectText(t, old, token)
	if err != nil {
		t.Fatal(err)
	}
	same := w.load(w.config("a", ""))
	issuer, err := same.realmIssuer("/")
	if err != nil {
		t.Fatal(err)
	}
	if issuer.Fingerprint != old.Fingerprint || !issuer.Source.Current(known) {
		t.Error("a cached verdict is worth nothing after a reload")
	}
	after := w.load(w.config("b", ""))

	if after.backend != before.backend || after.backend.backend.Load() != opened {
		t.Error("a reload has opened the store again")
	}
	if n := w.references(); n != 1 {
		t.Errorf("%d configurations use the store", n)
	}
	// M3: requests go on in the old configuration after its Cleanup.
	tokenFor(t, before, "/oauth2", "a")
	tokenFor(t, after, "/oauth2", "b")
	// The keys are the same; the client, and so its token, is gone.
	if issuer, err = after.realmIssuer("/"); err != nil {
		t.Fatal(err)
	}
	if issuer.Source.Current(known) {
		t.Error("the cached verdict on the token of a removed client holds")
	}
	if _, err := introspectText(t, issuer, token); reason(err) != "inactive" {
		t.Errorf("the token of a removed client: %v", err)
	}
}

func TestFailedLoadLeavesTheOldConfiguration(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	opened := app.backend.backend.Load()
	// Apps start in any order, so that some of these fail before ours starts and
	// some after.
	for range 8 {
		w.mustFail(w.config("a", "default_authentication nobody"), "no authentication service")
		w.mustFail(w.config("b", "", "broken"), "broken")
		w.mustFail(w.config("b", "", "http", "unknown"), "unknown module: unknown")
	}
	// Ours fails to start: the new configuration names a store that is not free.
	other := filepath.Join(w.dir, "other.db")
	lock, err := sqlstore.Lock(other)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	w.mustFail(bytes.ReplaceAll(w.config("a", ""), []byte(w.database()), []byte(other)), "is in use, probably by another process")
	if n, _ := backendPool.References("sqlite:" + other); n != 0 {
		t.Errorf("%d configurations use the other store", n)
	}

	if w.running() != app || app.backend.backend.Load() != opened {
		t.Error("another configuration runs")
	}
	if n := w.references(); n != 1 {
		t.Errorf("%d configurations use the store", n)
	}
	tokenFor(t, app, "/oauth2", "a")
}

func TestStopGivesTheStoreBack(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	w.stop()
	if n := w.references(); n != 0 {
		t.Errorf("%d configurations use the store", n)
	}
	lock, err := sqlstore.Lock(w.database())
	if err != nil {
		t.Fatalf("the store is not closed: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	// A request that is still on its way hears that it should come again.
	answer, _ := ask(t, app, post("/oauth2/access_token", nil))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	// Stored things are still there after a start.
	w.load(w.config("a", ""))
}

// What works and should not be is said at the start.
func TestWarningsAtStart(t *testing.T) {
	w := newWorld(t)
	users := filepath.Join(w.dir, "users")
	if err := os.WriteFile(users, []byte("demo:$2a$10$QJZaleMCGwat5pqUv5bAjuznNap.EEc8RtWGESt6twTBXnSd.nQIC\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.load(w.config("a", `realm /c {
		issuer https://auth.example.com/oauth2/realms/root/realms/c
		grants password
		authentication staff file `+users+`
		client p {
			secret s
			grants password
		}
	}`))
	w.stop()
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil || strings.Count(string(log), "client p may use the password grant") != 1 {
		t.Errorf("the log does not warn once: %v\n%s", err, log)
	}
}

// Caddy starts apps in any order. Requests that come before ours has started
// are 503 on a cold start, and are served in a reload.
func TestRequestsBeforeStart(t *testing.T) {
	w := newWorld(t)
	provision := func() *App {
		config := new(caddy.Config)
		if err := json.Unmarshal(w.config("a", ""), config); err != nil {
			t.Fatal(err)
		}
		ctx, err := caddy.ProvisionContext(config)
		if err != nil {
			t.Fatal(err)
		}
		app, err := ctx.App("oauth2")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := app.(*App).Cleanup(); err != nil {
				t.Error(err)
			}
		})
		return app.(*App)
	}

	cold := provision()
	answer, passed := ask(t, cold, post("/oauth2/access_token", nil))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "2" || passed {
		t.Errorf("status %d, Retry-After %q, passed on %v", answer.StatusCode, answer.Header.Get("Retry-After"), passed)
	}
	if _, passed := ask(t, cold, httptest.NewRequest(http.MethodGet, "/orders", nil)); !passed {
		t.Error("another path was not passed on")
	}

	running := w.load(w.config("a", ""))
	reloading := provision()
	tokenFor(t, reloading, "/oauth2", "a")
	if reloading.backend != running.backend {
		t.Error("the store was opened again")
	}
}

func TestWithoutRealmsNoStoreIsOpened(t *testing.T) {
	w := newWorld(t)
	app := w.load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"apps":{"oauth2":{"storage":{"module":"sqlite","path":` + string(caddyconfig.JSON(w.database(), nil)) + `}}}}`))
	if app.backend != nil {
		t.Error("a backend is in use")
	}
	if _, err := os.Stat(w.database()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a database: %v", err)
	}
	if _, err := app.realmIssuer("/"); err == nil || !strings.Contains(err.Error(), "this process has no realm") {
		t.Errorf("error %v", err)
	}
}

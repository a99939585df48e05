package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// moodyStorage opens a store whose answer to Ping a test decides.
type moodyStorage struct{ Storage }

// mood is what it answers; nil is the truth.
var mood atomic.Pointer[func(context.Context) error]

func (s moodyStorage) Open(ctx context.Context, key *keys.Wrapper) (store.Store, *keys.Wrapper, error) {
	st, key, err := s.Storage.Open(ctx, key)
	return moodyStore{st}, key, err
}

type moodyStore struct{ store.Store }

func (s moodyStore) Ping(ctx context.Context) error {
	if answer := mood.Load(); answer != nil {
		return (*answer)(ctx)
	}
	return s.Store.Ping(ctx)
}

// deaf has the store give neither keys nor what other nodes have changed.
var deaf atomic.Bool

func (s moodyStore) Keys(ctx context.Context, realm string) ([]store.Key, error) {
	if deaf.Load() {
		return nil, errors.New("no keys")
	}
	return s.Store.Keys(ctx, realm)
}

func (s moodyStore) Revocations(ctx context.Context, after int64, now time.Time) ([]store.Revocation, int64, error) {
	if deaf.Load() {
		return nil, 0, errors.New("no revocations")
	}
	return s.Store.Revocations(ctx, after, now)
}

// healthOf asks an app, in a process that may be shutting down.
func healthOf(t *testing.T, app *App, check, method string, shuttingDown bool) (int, healthReport, http.Header) {
	t.Helper()
	repl := caddy.NewReplacer()
	repl.Set("http.shutting_down", shuttingDown)
	request := httptest.NewRequestWithContext(context.WithValue(t.Context(), caddy.ReplacerCtxKey, repl), method, "/health", nil)
	recorder := httptest.NewRecorder()
	if err := (&Health{Check: check, app: app}).ServeHTTP(recorder, request, nil); err != nil {
		t.Fatal(err)
	}
	var report healthReport
	if recorder.Body.Len() > 0 {
		if err := json.Unmarshal(recorder.Body.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
	}
	return recorder.Code, report, recorder.Header()
}

func wantHealth(t *testing.T, app *App, when string, live, ready, gateway int) {
	t.Helper()
	for check, want := range map[string]int{healthLive: live, healthReady: ready, healthGateway: gateway} {
		status, report, _ := healthOf(t, app, check, http.MethodGet, false)
		if status != want || (report.Status == healthOK) != (want == http.StatusOK) {
			t.Errorf("%s: %s is %d, want %d: %+v", when, check, status, want, report)
		}
	}
}

func TestHealthOfAServer(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { mood.Store(nil) })
	app := w.provisioned(w.config("a", ""))
	app.storage = moodyStorage{app.storage}
	if _, err := app.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHealth(t, app, "after a start", 200, 200, 200)

	status, report, header := healthOf(t, app, healthReady, http.MethodGet, false)
	want := map[string]string{"store": "ok", "keys": "ok", "changes": "ok", "shutdown": "ok"}
	for check, said := range want {
		if report.Checks[check] != said {
			t.Errorf("%s is %q", check, report.Checks[check])
		}
	}
	if status != 200 || len(report.Checks) != len(want) || header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %+v %v", status, report, header)
	}
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "OPTIONS": 405, "DELETE": 405} {
		if status, _, header := healthOf(t, app, healthReady, method, false); status != want || want == 405 && header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, status, header.Get("Allow"))
		}
	}

	for name, answer := range map[string]func(context.Context) error{
		"a store that fails": func(context.Context) error { return errors.New("secret: no route to 10.0.0.7") },
		"a store that hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		mood.Store(&answer)
		app.backend.probe.last = nil // a second later
		began := time.Now()
		wantHealth(t, app, name, 200, 503, 200)
		if took := time.Since(began); took > probeTimeout+time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		if _, report, _ := healthOf(t, app, healthReady, http.MethodGet, false); report.Checks["store"] != "does not answer" {
			t.Errorf("%s: %+v", name, report)
		}
	}
	mood.Store(nil)
	app.backend.probe.last = nil
	wantHealth(t, app, "when it answers again", 200, 200, 200)

	for check, want := range map[string]int{healthLive: 200, healthReady: 503, healthGateway: 503} {
		if status, report, _ := healthOf(t, app, check, http.MethodGet, true); status != want {
			t.Errorf("shutting down: %s is %d: %+v", check, status, report)
		}
	}
}

func TestHealthOfANodeThatIsDeaf(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { deaf.Store(false) })
	app := w.provisioned(w.config("a", ""))
	app.storage = moodyStorage{app.storage}
	if _, err := app.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHealth(t, app, "after a start", 200, 200, 200)
	deaf.Store(true)
	checks := func(app *App) map[string]string {
		_, report, _ := healthOf(t, app, healthReady, http.MethodGet, false)
		return report.Checks
	}
	until(t, "deaf", 20*time.Second, func() bool { return checks(app)["changes"] != healthOK })
	wantHealth(t, app, "without the changes of others", 200, 503, 200)
	// A configuration that has its keys goes on with them; one that comes anew gets none.
	if said := checks(app)["keys"]; said != healthOK {
		t.Errorf("keys are %q", said)
	}
	anew := w.provisioned(w.config("b", ""))
	wantHealth(t, anew, "without keys", 200, 503, 503)
	if said := checks(anew)["keys"]; said != "not usable" {
		t.Errorf("keys are %q", said)
	}
	deaf.Store(false)
	until(t, "hearing", 20*time.Second, func() bool { return checks(app)["changes"] == healthOK })
	wantHealth(t, app, "when it hears again", 200, 200, 200)
}

// provisioned is the app of a configuration that has not started.
func (w world) provisioned(config []byte) *App {
	w.t.Helper()
	parsed := new(caddy.Config)
	if err := json.Unmarshal(config, parsed); err != nil {
		w.t.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(parsed)
	if err != nil {
		w.t.Fatal(err)
	}
	app, err := ctx.App("oauth2")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := app.(*App).Cleanup(); err != nil {
			w.t.Error(err)
		}
	})
	return app.(*App)
}

// A reload is never a 503, though Caddy may start its HTTP servers first.
func TestHealthInAReload(t *testing.T) {
	w := newWorld(t)
	before := w.load(w.config("a", ""))
	wantHealth(t, w.provisioned(w.config("b", "")), "provisioned, not started", 200, 200, 200)
	wantHealth(t, before, "still running", 200, 200, 200)
	// Requests of the old configuration come after its Cleanup, too.
	w.load(w.config("c", ""))
	wantHealth(t, before, "replaced", 200, 200, 200)
}

func TestHealthBeforeTheStoreIsOpen(t *testing.T) {
	w := newWorld(t)
	wantHealth(t, w.provisioned(w.config("a", "")), "a cold start", 200, 503, 503)
}

func TestHealthOfAGatewayWithoutAStore(t *testing.T) {
	wantHealth(t, new(App), "no store", 200, 200, 200)
	status, report, _ := healthOf(t, new(App), healthReady, http.MethodGet, false)
	if status != 200 || report.Checks["store"] != "" {
		t.Errorf("%d %+v", status, report)
	}
}

func TestAHealthThatABalancerCannotUseInTimeWarns(t *testing.T) {
	for check, want := range map[string]map[string]bool{
		"ready": {"": true, "shutdown_delay": false}, "gateway": {"": true, "shutdown_delay": false},
		"live": {"": false, "shutdown_delay": false},
	} {
		for delay, want := range want {
			w := newWorld(t)
			var config map[string]any
			if err := json.Unmarshal(w.config("a", ""), &config); err != nil {
				t.Fatal(err)
			}
			inner := map[string]any{"handle": []any{map[string]string{"handler": "oauth2_health", "check": check}}}
			sites := map[string]any{"servers": map[string]any{"s": map[string]any{
				"listen": []string{"127.0.0.1:0"},
				"routes": []any{map[string]any{"handle": []any{map[string]any{"handler": "subroute", "routes": []any{inner}}}}},
			}}}
			if delay != "" {
				sites[delay] = "1ms"
			}
			config["apps"].(map[string]any)["http"] = sites
			text, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			w.load(text)
			w.stop()
			log, err := os.ReadFile(filepath.Join(w.dir, "log"))
			if err != nil || strings.Contains(string(log), "shutdown_delay is not set") != want {
				t.Errorf("%s with %q: want a warning: %v (%v)\n%s", check, delay, want, err, log)
			}
		}
	}
}

package caddymodule

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// brokenApp is an app that cannot start.
type brokenApp struct{}

func (brokenApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "broken", New: func() caddy.Module { return new(brokenApp) }}
}
func (*brokenApp) Start() error { return errors.New("broken") }
func (*brokenApp) Stop() error  { return nil }

func init() { caddy.RegisterModule(brokenApp{}) }

// world is the data of one test: a directory with a database and a log.
type world struct {
	t   testing.TB
	dir string
}

func newWorld(t testing.TB) world {
	w := world{t, t.TempDir()}
	t.Setenv("XDG_DATA_HOME", filepath.Join(w.dir, "data"))
	t.Cleanup(func() { w.stop() })
	return w
}

func (w world) database() string { return filepath.Join(w.dir, "oauth2.db") }

func (w world) stop() {
	w.t.Helper()
	if err := caddy.Stop(); err != nil {
		w.t.Error(err)
	}
	backends.draining.Wait()
}

// config is a configuration with a client, some lines of the oauth2 option and
// other apps besides.
func (w world) config(client, lines string, apps ...string) []byte {
	w.t.Helper()
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(`{
		admin off
		persist_config off
		log {
			output file `+filepath.Join(w.dir, "log")+`
		}
		oauth2 {
			storage sqlite `+w.database()+`
			realm / {
				issuer https://auth.example.com/oauth2
				client `+client+` {
					secret s
					grants client_credentials
					scopes write
					default_scopes write
				}
			}
			realm /b {
				issuer https://auth.example.com/oauth2/realms/root/realms/b
				client `+client+` {
					secret s
					grants client_credentials
					scopes write
					default_scopes write
					access_token {
						format opaque
					}
				}
			}
			`+lines+`
		}
	}`), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(adapted, &config); err != nil {
		w.t.Fatal(err)
	}
	for _, app := range apps {
		config["apps"].(map[string]any)[app] = map[string]any{}
	}
	out, err := json.Marshal(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// load loads a configuration that must work and gives its app.
func (w world) load(config []byte) *App {
	w.t.Helper()
	if err := caddy.Load(config, true); err != nil {
		w.t.Fatal(err)
	}
	return w.running()
}

func (w world) running() *App {
	w.t.Helper()
	app, err := caddy.ActiveContext().AppIfConfigured("oauth2")
	if err != nil {
		w.t.Fatal(err)
	}
	return app.(*App)
}

// mustFail loads a configuration that must not.
func (w world) mustFail(config []byte, want string) {
	w.t.Helper()
	err := caddy.Load(config, true)
	if err == nil || !strings.Contains(err.Error(), want) {
		w.t.Fatalf("error %v\nwant one with %q", err, want)
	}
}

// references counts the configurations that use the test's database.
func (w world) references() int {
	n, _ := backendPool.References("sqlite:" + w.database())
	return n
}

// ask sends a request through the handler of an app. passed says that the
// handler passed it on.
func ask(t testing.TB, app *App, r *http.Request) (answer *http.Response, passed bool) {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler := &ServerHandler{app: app, log: slog.New(slog.DiscardHandler)}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { passed = true; return nil })
	if err := handler.ServeHTTP(recorder, r, next); err != nil {
		t.Fatal(err)
	}
	return recorder.Result(), passed
}

func post(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://auth.example.com"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.TLS.HandshakeComplete = true
	return r
}

// tokenFor gets an access token for a client, from the realm at path.
func tokenFor(t testing.TB, app *App, path, client string) string {
	t.Helper()
	answer, _ := ask(t, app, post(path+"/access_token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"s"},
	}))
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &document); err != nil || document.AccessToken == "" {
		t.Fatalf("status %d: %s", answer.StatusCode, body)
	}
	return document.AccessToken
}

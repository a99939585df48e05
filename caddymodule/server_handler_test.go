package caddymodule

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// The handler answers what is the realms', if only with 404, and passes on the
// rest.
func TestServerHandlerPaths(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	for path, status := range map[string]int{
		"/oauth2/.well-known/openid-configuration":       http.StatusOK,
		"/.well-known/oauth-authorization-server/oauth2": http.StatusOK,
		"/oauth2/realms/root/realms/b/connect/jwk_uri":   http.StatusOK,
		"/oauth2/nothing": http.StatusNotFound,
		"/oauth2/realms/root/realms/c/access_token": http.StatusNotFound,
		"/":                  0,
		"/orders":            0,
		"/oauth2x":           0,
		"/json/authenticate": 0,
		"/.well-known/oauth-authorization-server/oauth2/realms/root/rs": 0,
	} {
		answer, passed := ask(t, app, httptest.NewRequest(http.MethodGet, path, nil))
		if passed != (status == 0) || !passed && answer.StatusCode != status {
			t.Errorf("%s: passed on %v, status %d", path, passed, answer.StatusCode)
		}
	}
}

// faultyWriter panics when it is written to.
type faultyWriter struct {
	http.ResponseWriter
	fault any
}

func (w faultyWriter) WriteHeader(int) { panic(w.fault) }

// F33: a panic is 500, and leaves nothing behind that a drain would wait for.
func TestF33_PanicIs500(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	handler := &ServerHandler{app: app, log: slog.New(slog.DiscardHandler)}
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		t.Error("the request was passed on")
		return nil
	})
	r := httptest.NewRequest(http.MethodGet, "/oauth2/connect/jwk_uri", nil)

	err := handler.ServeHTTP(faultyWriter{httptest.NewRecorder(), "hunter2"}, r, next)
	var answer caddyhttp.HandlerError
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("error %v", err)
	}

	// net/http's own way to end an answer goes through.
	func() {
		defer func() {
			if fault := recover(); fault != http.ErrAbortHandler { //nolint:errorlint // it is a value
				t.Errorf("panicked with %v", fault)
			}
		}()
		_ = handler.ServeHTTP(faultyWriter{httptest.NewRecorder(), http.ErrAbortHandler}, r, next)
	}()
	if n := app.backend.users.Load(); n != 0 {
		t.Errorf("%d requests are counted as running", n)
	}
}

// deadlines records what is set on a connection.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(deadline time.Time) error {
	d.set = append(d.set, deadline)
	return nil
}

func TestF25_ABodyHasADeadlineUntilItsEnd(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	body := limitRead(w, io.NopCloser(strings.NewReader("grant_type=x")))
	if len(w.set) != 1 || w.set[0].IsZero() {
		t.Fatalf("deadlines before the body is read: %v", w.set)
	}
	if _, err := io.ReadAll(body); err != nil {
		t.Fatal(err)
	}
	if len(w.set) != 2 || !w.set[1].IsZero() {
		t.Errorf("deadlines after the body was read: %v", w.set)
	}
}

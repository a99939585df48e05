package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

func TestAS45_A40_AnswersAreNeverCached(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"tokens": func(w http.ResponseWriter) { wire.JSON(w, http.StatusOK, map[string]any{"active": true}) },
		"errors": func(w http.ResponseWriter) { wire.Error(w, oauth.InvalidClient()) },
		"faults": func(w http.ResponseWriter) { wire.Error(w, errors.New("disk full")) },
		"broken": func(w http.ResponseWriter) { wire.JSON(w, http.StatusOK, func() {}) },
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", "max-age=60")
		write(w)
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "Pragma": "no-cache",
			"Content-Type": "application/json", "X-Content-Type-Options": "nosniff",
		} {
			if got := w.Header().Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %q is not JSON", name, w.Body)
		}
	}
}

func TestJSON(t *testing.T) {
	w := httptest.NewRecorder()
	wire.JSON(w, http.StatusCreated, map[string]string{"scope": "a b"})
	if w.Code != http.StatusCreated || w.Body.String() != "{\"scope\":\"a b\"}\n" {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
}

func TestError(t *testing.T) {
	challenge := oauth.Challenge("Basic", "realm", "OAuth client")
	for _, test := range []struct {
		name    string
		err     error
		status  int
		body    string
		headers map[string]string
	}{
		{
			"client authentication", oauth.InvalidClient().WithChallenge(challenge), 401,
			`{"error":"invalid_client","error_description":"Client authentication failed"}`,
			map[string]string{"WWW-Authenticate": challenge},
		},
		{
			"grant", oauth.InvalidGrant(), 400,
			`{"error":"invalid_grant","error_description":"The provided access grant is invalid, expired, or revoked."}`, nil,
		},
		{
			"within another error", fmt.Errorf("redeem: %w", oauth.InvalidTarget()), 400,
			`{"error":"invalid_target","error_description":"The client may not request this resource."}`, nil,
		},
		{
			"method", oauth.MethodNotAllowed("GET", "POST"), 405,
			`{"error":"method_not_allowed","error_description":"Required Method: GET, POST"}`,
			map[string]string{"Allow": "GET, POST"},
		},
		{"without description", oauth.NewError(oauth.CodeInvalidToken, ""), 401, `{"error":"invalid_token"}`, nil},
		{
			"less than a second to wait", &oauth.Error{Code: "temporarily_unavailable", Status: 503, RetryAfter: time.Millisecond}, 503,
			`{"error":"temporarily_unavailable"}`,
			map[string]string{"Retry-After": "1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			wire.Error(w, test.err)
			if w.Code != test.status || strings.TrimSpace(w.Body.String()) != test.body {
				t.Errorf("status %d, body %s\nwant   %d, body %s", w.Code, w.Body, test.status, test.body)
			}
			for _, header := range []string{"WWW-Authenticate", "Allow", "Retry-After"} {
				if got := w.Header().Get(header); got != test.headers[header] {
					t.Errorf("%s is %q, want %q", header, got, test.headers[header])
				}
			}
		})
	}
}

// A fault of ours is 503, says when to come back, and shows nothing of itself.
func TestAS61_FaultsAre503(t *testing.T) {
	w := httptest.NewRecorder()
	wire.Error(w, fmt.Errorf("commit: %w", errors.New("disk full at /var/lib/oauth2.db")))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if body := w.Body.String(); strings.Contains(body, "disk") || !strings.Contains(body, `"temporarily_unavailable"`) {
		t.Errorf("body %s", body)
	}
}

func TestPG13_CauseStaysInTheLog(t *testing.T) {
	w := httptest.NewRecorder()
	wire.Error(w, oauth.InvalidRequest("The body could not be read.").WithCause(errors.New("canary")))
	if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), "canary") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
}

// What cannot be written as JSON is our fault, said before any status is sent.
func TestDocumentThatCannotBeWritten(t *testing.T) {
	w := httptest.NewRecorder()
	wire.JSON(w, http.StatusOK, map[string]any{"f": func() {}})
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"server_error"`) {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
}

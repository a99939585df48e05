package caddymodule

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// panicking is a matcher that fails as only code can.
type panicking struct{}

func (panicking) MatchWithError(*http.Request) (bool, error) { panic("eyJ-part-of-a-token") }

// RS39, F33, F29: no mode lets pass what was not decided, however often a
// stranger finds the way to make us panic, and the log stays short.
func TestRS39_F33_F29_APanicRefusesInEveryModeAndFillsNoLog(t *testing.T) {
	now := time.Unix(1e9, 0)
	before := requestLines
	requestLines = newLineLimit(func() time.Time { return now })
	t.Cleanup(func() { requestLines = before })
	for _, mode := range []string{modeRequired, modeOptional, modeReportOnly} {
		now = now.Add(time.Hour)
		var text strings.Builder
		b := &BearerAuth{
			Mode: mode, log: slog.New(slog.NewTextHandler(&text, nil)),
			matchers: caddyhttp.MatcherSets{caddyhttp.MatcherSet{panicking{}}},
		}
		for range 300 {
			w := httptest.NewRecorder()
			r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/", nil), caddy.NewReplacer(), w, nil)
			err := b.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
				t.Fatalf("%s: the request passes", mode)
				return nil
			}))
			if err == nil {
				t.Fatalf("%s: no error", mode)
			}
		}
		if lines := strings.Count(text.String(), "\n"); lines != lineBurst {
			t.Errorf("%s: %d lines for 300 panics", mode, lines)
		}
		if strings.Contains(text.String(), "part-of-a-token") {
			t.Errorf("%s: the value of the panic is in the log", mode)
		}
	}
}

// A matcher that cannot say takes nothing down that is only watched.
func TestAMatcherThatCannotSayIsReported(t *testing.T) {
	b := &BearerAuth{Mode: modeReportOnly, log: slog.New(slog.DiscardHandler), upstream: upstream{guard: identityGuard}, matchers: caddyhttp.MatcherSets{caddyhttp.MatcherSet{broken{}}}}
	r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/", nil), caddy.NewReplacer(), httptest.NewRecorder(), nil)
	r.Header.Set("X-Auth-Subject", "root")
	v := b.admit(r)
	if v.refused != nil || v.decision() != decisionWouldRefuse || v.reason() != reasonMatcher || v.token != nil {
		t.Errorf("decided %+v", v)
	}
	if r.Header.Get("X-Auth-Subject") != "" {
		t.Error("a forged identity passes")
	}
}

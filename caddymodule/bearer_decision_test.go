package caddymodule

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Caddy forwards an extended CONNECT as a GET, so the rules judge one.
func TestRS35_AnExtendedConnectIsJudgedAsTheGETThatItBecomes(t *testing.T) {
	for name, c := range map[string]struct {
		method, proto, protocol string
		major                   int
		want                    string
	}{
		"HTTP/1.1 GET":              {"GET", "HTTP/1.1", "", 1, "GET"},
		"HTTP/1.1 CONNECT":          {"CONNECT", "HTTP/1.1", "", 1, "CONNECT"},
		"HTTP/2 CONNECT":            {"CONNECT", "HTTP/2.0", "", 2, "CONNECT"},
		"HTTP/2 extended CONNECT":   {"CONNECT", "HTTP/2.0", "websocket", 2, "GET"},
		"HTTP/3 CONNECT":            {"CONNECT", "HTTP/3.0", "", 3, "CONNECT"},
		"HTTP/3 extended CONNECT":   {"CONNECT", "websocket", "", 3, "GET"},
		"HTTP/2 POST with a header": {"POST", "HTTP/2.0", "websocket", 2, "POST"},
		"HTTP/2 other protocol":     {"CONNECT", "HTTP/2.0", "connect-udp", 2, "CONNECT"},
		"HTTP/3 other protocol":     {"CONNECT", "connect-udp", "", 3, "CONNECT"},
	} {
		r := &http.Request{Method: c.method, Proto: c.proto, ProtoMajor: c.major, Header: http.Header{}}
		if c.protocol != "" {
			r.Header[":protocol"] = []string{c.protocol}
		}
		if got := effectiveMethod(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// broken is a matcher that cannot say.
type broken struct{}

func (broken) MatchWithError(*http.Request) (bool, error) { return false, errors.New("broken") }

func TestRS39_AMatcherThatCannotSayRefuses(t *testing.T) {
	b := &BearerAuth{Audience: []string{"https://api.test"}, log: slog.New(slog.DiscardHandler)}
	b.matchers = caddyhttp.MatcherSets{caddyhttp.MatcherSet{broken{}}}
	r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/", nil), caddy.NewReplacer(), httptest.NewRecorder(), nil)
	if b.admit(r).refused == nil {
		t.Error("the request passes unguarded")
	}
}

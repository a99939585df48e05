package caddymodule

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What the commands print is for people: faults of several lines stay in their
// column, names are those of the configuration, and control characters are gone.
func TestCommandsPrintForPeople(t *testing.T) {
	var out strings.Builder
	c := adminClient{out: &out}
	c.explained(&explained{Mode: modeReportOnly, Decision: decisionRefused, Detail: "one\ntwo\x1b[2J"})
	c.explained(&explained{Mode: modeRequired, Decision: decisionAllowed})
	c.issuer(&introspect.Status{Issuer: "https://a.test", Name: "corp", Error: "three\nfour \"x\"", NextRefresh: time.Unix(0, 0)})
	c.issuer(&introspect.Status{Issuer: "https://b.test", Name: "https://b.test", Ready: true})
	got := out.String()
	for _, want := range []string{
		"detail     one\n             two?[2J\n", "mode       report_only: what is refused here passes",
		"https://a.test\n  NOT READY, called corp in the configuration\n", "error: three\n         four \"x\"\n", "https://b.test\n  ready\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
}

// What `oauth2-client get` prints is given back to `update`: it stays the same
// registration, and a terminal obeys none of it.
func TestARegistrationIsPrintedAsItIs(t *testing.T) {
	name := "\u200bZo\u00eb \U0001f469\u200d\U0001f4bb\u00a0\u202e\u009b<a>"
	text, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	adminClient{out: &out}.printf("%s", escaped(string(text)))
	var read map[string]string
	if err := json.Unmarshal([]byte(out.String()), &read); err != nil || read["name"] != name {
		t.Errorf("%q is %q: %v\n%s", name, read["name"], err, &out)
	}
	if strings.ContainsAny(out.String(), "\u200b\u202e\u009b") || !strings.Contains(out.String(), "Zo\u00eb") {
		t.Errorf("it prints %q", out.String())
	}
}

// Sessions come by their ids, which are random.
func TestSessionsArePrintedNewestFirst(t *testing.T) {
	var out strings.Builder
	adminClient{out: &out}.sessions([]shownSession{
		{ID: "b", AuthTime: time.Unix(27, 0)}, {ID: "c", AuthTime: time.Unix(25, 0)}, {ID: "a", AuthTime: time.Unix(29, 0)},
	})
	order := ""
	for line := range strings.Lines(out.String()) {
		order += line[:1]
	}
	if order != "abc" {
		t.Errorf("the order is %s:\n%s", order, &out)
	}
}

// What the endpoint says is told as it says it, and cannot do anything to a terminal.
func TestCommandsTellTheReasonOfARefusal(t *testing.T) {
	for answer, want := range map[string]string{
		`{"error":"there is no such realm; there are /, /b"}`: "there is no such realm; there are /, /b",
		`{"error":"one\u001b[2J"}`:                            "one?[2J",
		"404 page not found\n":                                "caddy responded with error: HTTP 404: 404 page not found\n",
		`{"error":""}`:                                        `caddy responded with error: HTTP 404: {"error":""}`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(answer))
		}))
		_, err := adminClient{address: server.Listener.Addr().String()}.call(http.MethodGet, "/oauth2/realms", nil, nil)
		server.Close()
		if err == nil || err.Error() != want {
			t.Errorf("%s is told as %v", answer, err)
		}
	}
}

// Dots alone would lead to another path.
func TestNamesAreOnePartOfAPath(t *testing.T) {
	for name, want := range map[string]string{".": "%2E", "..": "%2E%2E", "a/b": "a%2Fb", "a.b": "a.b", "a b?#%": "a%20b%3F%23%25"} {
		if got := segment(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// With `admin off` there is nobody to ask, and least of all whoever listens at
// the default address.
func TestCommandsWithoutAnAdminEndpoint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "caddy.json")
	for config, want := range map[string]string{
		`{"admin":{"disabled":true}}`:                    "says `admin off`",
		`{"admin":{"disabled":true,"listen":":1"}}`:      "says `admin off`",
		`{"admin":{"listen":"unix//run/none.sock"}}`:     "",
		`{"admin":{"listen":"127.0.0.1:1"},"apps":null}`: "",
	} {
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		address, err := adminAddress("", file, "")
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", config, address, err)
		}
		if want != "" {
			continue
		}
		_, err = adminClient{address: address}.call(http.MethodGet, "/oauth2/realms", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "no admin endpoint answers at "+address) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if address, err := adminAddress("127.0.0.1:2", file, ""); err != nil || address != "127.0.0.1:2" {
		t.Errorf("%q, %v", address, err)
	}
	if address, err := adminAddress("", "", ""); err != nil || address != caddy.DefaultAdminListen {
		t.Errorf("%q, %v", address, err)
	}
}

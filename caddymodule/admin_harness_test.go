package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// operated is a gateway with a deny-list, an admin endpoint and a log.
type operated struct {
	*gateway
	admin, logFile string
}

// newOperated guards one site. oauth2 is what stands in the global option.
func newOperated(t *testing.T, oauth2 string, s setup) *operated {
	t.Helper()
	dir := t.TempDir()
	o := &operated{admin: fmt.Sprintf("127.0.0.1:%d", freePort(t)), logFile: filepath.Join(dir, "log")}
	s.log = "output file " + o.logFile + "\nlevel DEBUG"
	s.globals += fmt.Sprintf("\nmetrics\noauth2 {\nstorage sqlite %s\n%s\n}", filepath.Join(dir, "oauth2.db"), oauth2)
	s.site += guarded
	s.matcher = "@guarded " + s.matcher
	o.gateway = newGateway(t, s)
	quiet := o.caddyfile
	o.caddyfile = strings.Replace(quiet, "admin off", "admin "+o.admin, 1)
	if err := reload(o.caddyfile); err != nil {
		t.Fatal(err)
	}
	// Stopping Caddy does not stop its admin endpoint.
	t.Cleanup(func() { _ = reload(quiet) })
	return o
}

// tell sends a request to the admin endpoint and gives status and answer.
func (o *operated) tell(method, path string, body any) (int, string) {
	o.t.Helper()
	text, raw := body.(string)
	if !raw && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			o.t.Fatal(err)
		}
		text = string(encoded)
	}
	request, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+o.admin+path, bytes.NewReader([]byte(text)))
	if err != nil {
		o.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// must is tell for what must work; the answer is read into target.
func (o *operated) must(method, path string, body, target any) {
	o.t.Helper()
	status, text := o.tell(method, path, body)
	if status/100 != 2 {
		o.t.Fatalf("%s %s: status %d: %s", method, path, status, text)
	}
	if target != nil {
		if err := json.Unmarshal([]byte(text), target); err != nil {
			o.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
}

// mustRefuse is tell for what must not work.
func (o *operated) mustRefuse(method, path string, body any, status int, want string) {
	o.t.Helper()
	got, text := o.tell(method, path, body)
	if got != status || !strings.Contains(text, want) {
		o.t.Errorf("%s %s: status %d, want %d with %q: %s", method, path, got, status, want, text)
	}
}

// mustNotHold fails the test when the log or one of the texts holds a secret.
func (o *operated) mustNotHold(secret string, texts ...string) {
	o.t.Helper()
	log, err := os.ReadFile(o.logFile)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, text := range append(texts, string(log)) {
		if strings.Contains(text, secret) {
			o.t.Errorf("%.20s… is in:\n%s", secret, text)
		}
	}
}

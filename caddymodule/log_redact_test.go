package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// canaries are what a client and an upstream put where Caddy logs it.
const (
	canaryURI = "?access_token=canary-a&c%6fde=canary-b&id_token_hint=canary-c&client_secret=canary-d&password=canary-e&x=kept" +
		`&%2563ode=canary-A&a=1;code=canary-B&password=p"'canary-C&logout_token=canary-D&goto=%252Fcb%253Fcode%253Dcanary-E`
	canaryLocation = "https://app.test/cb?code=canary-f&state=kept#access_token=canary-g&id_token=canary-h"
)

var canaryHeaders = []string{
	"DPoP: canary-i", "X-OpenAM-Password: canary-j", "X_OpenAM_Password: canary-k", "iPlanetDirectoryPro: canary-l",
	"Referer: https://app.test/cb?code=canary-m#access_token=canary-n", "Authorization: Bearer canary-o",
	"Cookie: session=canary-p", "X-Custom: eyJhbGciOiJFUzI1NiJ9.canary-q.canary-r", "X-Forwarded-Uri: /x?token=canary-s",
	"Client-Cert: :canary-F:", "Sec-WebSocket-Protocol: bearer, canary-G", "X-Identity-Assertion: eyJhbGciOiJFUzI1NiJ9.canary-H.canary-I",
	"X-Nested: jwe=eyJhbGciOiJkaXIifQ.canary-J.canary-K.canary-L.canary-M",
}

// logged runs Caddy with a log at DEBUG and an access log, does what makes it
// log, and gives both files.
func logged(t *testing.T, format string) string {
	t.Helper()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", canaryLocation)
		w.Header().Set("Set-Cookie", "session=canary-t")
		w.Header().Set("DPoP-Nonce", "canary-N")
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(upstream.Close)
	dir := t.TempDir()
	g := &gateway{t: t, issuer: newTestIssuer(t), address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	text := config(t, fmt.Sprintf("output file %s/default.log\nlevel DEBUG\n%s", dir, format), "debug", fmt.Sprintf(`http://%[1]s {
	log {
		output file %[2]s/access.log
		%[3]s
	}
	rewrite /rewritten* /elsewhere{uri}
	handle /guarded* {
		bearer_auth %[4]s {
			audience %[5]s
		}
		respond ok
	}
	handle /down* {
		reverse_proxy 127.0.0.1:1
	}
	handle /fastcgi* {
		reverse_proxy 127.0.0.1:1 {
			transport fastcgi
		}
	}
	handle /error* {
		error "cannot read {uri}" 500
	}
	redir /redir* https://app.test/cb{uri} 302
	handle {
		reverse_proxy %[6]s
	}
}
`, g.address, dir, format, g.issuer.URL, apiAudience, strings.TrimPrefix(upstream.URL, "http://")))
	if err := load(t, text); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/guarded", "/down", "/fastcgi", "/error", "/redir", "/rewritten", "/"} {
		g.send("GET "+path+canaryURI, canaryHeaders...)
	}
	g.send("GET /guarded", g.bearer(nil))
	g.send("GET /guarded", g.bearer(map[string]any{"jti": "canary-O", "exp": 1}))
	g.send("GET /guarded", g.bearer(map[string]any{"jti": "canary-P"}))
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range []string{"default.log", "access.log"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 {
			t.Errorf("%s is empty", name)
		}
		all.Write(text)
	}
	return all.String()
}

func TestF30_RedactedLogsHideEveryCredential(t *testing.T) {
	for name, format := range map[string]string{
		"default":         "format oauth2_redact",
		"console":         "format oauth2_redact {\nwrap console\n}",
		"wrapping":        "format oauth2_redact {\nwrap filter {\nwrap json\nrequest>remote_ip replace hidden\n}\n}",
		"wrapped":         "format filter {\nwrap oauth2_redact\nrequest>remote_ip replace hidden\n}",
		"wrapped, append": "format append {\nwrap oauth2_redact\nnode n1\n}",
	} {
		t.Run(name, func(t *testing.T) {
			text := logged(t, format)
			for line := range strings.SplitSeq(text, "\n") {
				if strings.Contains(line, "canary") {
					t.Errorf("it shows %s", line)
				}
			}
			// What is no secret stays readable.
			for _, kept := range []string{"x=kept", "state=kept", "/guarded", "handled request", "cannot read", `"user_id"`, "frida"} {
				if !strings.Contains(text, kept) {
					t.Errorf("the logs lost %s", kept)
				}
			}
			if strings.Contains(format, "hidden") && !strings.Contains(text, `"remote_ip":"hidden"`) {
				t.Error("the other filter does not work")
			}
			if strings.Contains(text, "logs show OAuth 2.0") {
				t.Error("it warns that nothing is hidden")
			}
			if name == "console" {
				return
			}
			for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %s", line)
				}
			}
		})
	}
}

// This test would show that the other one proves nothing any more.
func TestPlainLogsShowTheCanaries(t *testing.T) {
	text := logged(t, "format json")
	for _, canary := range "abcdefghijklmnqrsABCDEFGHIJKLMN" {
		if !strings.Contains(text, "canary-"+string(canary)) {
			t.Errorf("a plain log does not show canary-%c", canary)
		}
	}
	if !strings.Contains(text, "logs show OAuth 2.0 credentials") {
		t.Error("it does not warn")
	}
}

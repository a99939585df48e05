package caddymodule_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// accessLog runs requests against a gateway and gives the lines of its access
// log.
func accessLog(t *testing.T, format, block string, requests func(*gateway)) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "access.log")
	var placeholders []string
	for _, member := range []string{"result", "reason", "issuer"} {
		placeholders = append(placeholders, fmt.Sprintf("log_append my_%s {http.auth.decision.%[1]s}", member))
	}
	g := newGateway(t, setup{block: block, site: fmt.Sprintf("log {\noutput file %s\nformat %s\n}\n%s", file, format, strings.Join(placeholders, "\n"))})
	requests(g)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// decisionOf is the oauth2 field of a line in JSON, and what the placeholders
// say.
func decisionOf(t *testing.T, line string) (decision map[string]string, placeholders string) {
	t.Helper()
	var entry struct {
		OAuth2 map[string]string `json:"oauth2"`
		Result string            `json:"my_result"`
		Reason string            `json:"my_reason"`
		Issuer string            `json:"my_issuer"`
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return entry.OAuth2, entry.Result + "/" + entry.Reason + "/" + entry.Issuer
}

func TestTheAccessLogSaysWhatWasDecidedAndAboutWhom(t *testing.T) {
	var issuer string
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte("token-17")))[:16]
	lines := accessLog(t, "json", "public /public\nallow * /write scope write\nallow * /read", func(g *gateway) {
		issuer = g.issuer.URL
		g.send("GET /read", g.bearer(map[string]any{"jti": "token-17"}))
		g.send("GET /public", g.bearer(nil))
		g.send("GET /write", g.bearer(map[string]any{"jti": "token-17"}))
		g.send("GET /read", g.bearer(map[string]any{"exp": 1}))
		g.send("GET /read", g.bearer(map[string]any{"aud": "https://other.test", "jti": "token-17"}))
		g.send("GET /read", g.bearer(map[string]any{"aud": "https://other.test", "jti": "token-17"})+"A")
		g.send("GET /read", "Authorization: Bearer bad")
		g.send("GET /read")
	})
	who := map[string]string{"iss": issuer, "sub": "frida", "client_id": "shop", "jti_digest": digest}
	want := []struct {
		decision, reason, issuer string
		who                      map[string]string
	}{
		{"allowed", "none", issuer, who},
		{"public", "none", "none", nil},
		{"refused", "insufficient_scope", issuer, who},
		{"refused", "expired", issuer, nil},
		{"refused", "audience", issuer, who}, // vouched for, and for another API
		{"refused", "signature", issuer, nil},
		{"refused", "issuer", "none", nil},
		{"refused", "no_token", "none", nil},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for n, c := range want {
		full := map[string]string{"decision": c.decision}
		if c.reason != "none" {
			full["reason"] = c.reason
		}
		if c.issuer != "none" {
			full["issuer"] = c.issuer
		}
		for name, value := range c.who {
			full[name] = value
		}
		got, appended := decisionOf(t, lines[n])
		if fmt.Sprint(got) != fmt.Sprint(full) {
			t.Errorf("request %d: %v, want %v", n, got, full)
		}
		if placeholders := c.decision + "/" + c.reason + "/" + c.issuer; appended != placeholders {
			t.Errorf("request %d: placeholders %s, want %s", n, appended, placeholders)
		}
	}
}

// F29, F30: hostile claims make no line of their own in any encoder, and no
// part of a token is in any line.
func TestF29_F30_HostileClaimsForgeNoLinesAndTokensStayOut(t *testing.T) {
	hostile := "frida\u2028{\"level\":\"error\"}\"\\ \u001b[31m\u202e"
	for _, format := range []string{"json", "console", "oauth2_redact", "filter {\nwrap console\n}"} {
		t.Run(format, func(t *testing.T) {
			var tokens []string
			sent := 0
			lines := accessLog(t, format, "allow * * scope write", func(g *gateway) {
				for _, claims := range []map[string]any{
					{"sub": hostile}, {"client_id": hostile}, {"jti": hostile}, {"jti": "a\nb"}, {"sub": "a\r\n{\"level\":\"error\"}"},
					{"client_id": strings.Repeat("x", 255)}, {"scope": "write"}, {"scope": "write", "sub": "\u2028x"}, {"exp": 1},
				} {
					token := g.bearer(claims)
					tokens = append(tokens, strings.TrimPrefix(token, "Authorization: Bearer "))
					g.send("GET /"+"?access_token="+"x", token) // ambiguous
					g.send("GET /", token)
					sent += 2
				}
			})
			if len(lines) != sent {
				t.Errorf("%d lines for %d requests:\n%s", len(lines), sent, strings.Join(lines, "\n"))
			}
			all := strings.Join(lines, "\n")
			for _, token := range tokens {
				for part := range strings.SplitSeq(token, ".") {
					if strings.Contains(all, part[:20]) {
						t.Errorf("a part of a token is in the log: %s", part)
					}
				}
			}
			for _, control := range []string{"\r", "\x1b[31m", "\u2028{"} {
				if strings.Contains(all, control) {
					t.Errorf("%q stands in the log as it came", control)
				}
			}
			if !strings.Contains(all, `"oauth2"`) || !strings.Contains(all, "insufficient_scope") {
				t.Error("the log does not say what was decided")
			}
		})
	}
}

package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const challengeLogin = challengeRealm + `, error="insufficient_user_authentication", error_description="A stronger or more recent login is required"`

// Each condition of a rule has its answer: RFC 6750 §3.1 for scope, RFC 9470 §3
// for the login, and a plain 403 for what has no code.
func TestRS12_RS13_G45_EachConditionHasItsOwnAnswer(t *testing.T) {
	g := newGateway(t, setup{
		block: `allow GET /any* scope any write audit
		allow * /claim* claim realm_access.roles admin root claim https://claims.test/region eu
		allow * /cel* expression ` + "`claims.level >= 3 && request.method == \"GET\" && request.query.a == [\"1\"]`" + `
		allow * /pay* {
			scope pay
			claim tier gold
			acr phr phrh
			max_age 5m
		}
		allow * /acr acr phr
		allow * /age max_age 90s`,
		site: "handle_errors {\nrespond {err.message} {err.status_code}\n}",
	})
	now := time.Now().Unix()
	type claims map[string]any

	login := challengeLogin + `, acr_values="phr phrh", max_age="300"` + metadataParameter
	for name, test := range map[string]struct {
		request   string
		claims    claims
		status    int
		challenge string
		reason    string
	}{
		"any, one":                 {"GET /any", claims{"scope": "audit"}, 200, "", ""},
		"any, none":                {"GET /any", claims{"scope": "read"}, 403, challengeScope, "insufficient_scope"},
		"claims":                   {"GET /claim", claims{"realm_access": claims{"roles": []string{"x", "root"}}, "https://claims.test/region": "eu"}, 200, "", ""},
		"claim, another value":     {"GET /claim", claims{"realm_access": claims{"roles": []string{"x"}}, "https://claims.test/region": "eu"}, 403, "", "claim"},
		"claim missing":            {"GET /claim", claims{"realm_access": claims{"roles": "admin"}}, 403, "", "claim"},
		"expression":               {"GET /cel?a=1", claims{"level": 3}, 200, "", ""},
		"expression, false":        {"GET /cel?a=1", claims{"level": 2}, 403, "", "expression"},
		"expression, other method": {"POST /cel?a=1", claims{"level": 3}, 403, "", "expression"},
		"expression, other query":  {"GET /cel?a=1&a=2", claims{"level": 3}, 403, "", "expression"},
		"expression, no value":     {"GET /cel?a=1", nil, 403, "", "expression"},
		"all":                      {"GET /pay", claims{"scope": "pay", "tier": "gold", "acr": "phrh", "auth_time": now}, 200, "", ""},
		"scope before login":       {"GET /pay", nil, 403, strings.Replace(challengeScope, "write audit", "pay", 1), "insufficient_scope"},
		"claim before login":       {"GET /pay", claims{"scope": "pay"}, 403, "", "claim"},
		"acr too low":              {"GET /pay", claims{"scope": "pay", "tier": "gold", "acr": "0", "auth_time": now}, 401, login, "insufficient_user_authentication"},
		"login too old":            {"GET /pay", claims{"scope": "pay", "tier": "gold", "acr": "phr", "auth_time": now - 400}, 401, login, "insufficient_user_authentication"},
		"login in the future":      {"GET /pay", claims{"scope": "pay", "tier": "gold", "acr": "phr", "auth_time": now + 400}, 401, login, "insufficient_user_authentication"},
		"no acr":                   {"GET /acr", nil, 401, challengeLogin + `, acr_values="phr"` + metadataParameter, "insufficient_user_authentication"},
		"no auth_time":             {"GET /age", nil, 401, challengeLogin + `, max_age="90"` + metadataParameter, "insufficient_user_authentication"},
		"expired before all":       {"GET /acr", claims{"exp": 1}, 401, challengeToken, "expired"},
	} {
		response := g.send(test.request, g.bearer(test.claims))
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", name, response.StatusCode, test.status)
		}
		if raw := g.upstream.next(); (raw != "") != (test.status == 200) {
			t.Errorf("%s: the upstream got\n%s", name, raw)
		}
		if test.status == 200 {
			continue
		}
		wantChallenge(t, response, test.challenge)
		if want := "bearer_auth refused the request: " + test.reason; string(body) != want {
			t.Errorf("%s: %s, want %s", name, body, want)
		}
	}
}

// RS20: nobody has no scope, no claim and no login.
func TestRS20_AnonymousPassesOnlyWhereNothingIsAsked(t *testing.T) {
	g := newGateway(t, setup{block: `mode optional
		allow * /open
		allow * /scope scope any a b
		allow * /claim claim sub ""
		allow * /acr acr 1
		allow * /age max_age 1h
		allow * /cel expression ` + "`!has(claims.sub)`"})
	for path, want := range map[string]int{"/open": 200, "/scope": 401, "/claim": 401, "/acr": 401, "/age": 401, "/cel": 401} {
		response := g.send("GET " + path)
		if response.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, response.StatusCode, want)
		}
		if want == http.StatusUnauthorized {
			wantChallenge(t, response, challengeNone)
		}
	}
}

// F30: why an expression has no value is told without the values of claims.
func TestF30_AFaultOfAnExpressionShowsNoClaim(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	g := newGateway(t, setup{
		log:   fmt.Sprintf("output file %s\nlevel DEBUG", file),
		block: "allow * /x expression `claims[claims.pointer] == 1`",
	})
	wantStatus(t, g.send("GET /x", g.bearer(map[string]any{"pointer": "canary"})), http.StatusForbidden)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"fault":"missing"`) || !strings.Contains(string(text), "allow * /x expression `claims[claims.pointer] == 1`") {
		t.Errorf("the fault is not logged:\n%s", text)
	}
	if strings.Contains(string(text), "canary") {
		t.Errorf("a claim is logged:\n%s", text)
	}
}

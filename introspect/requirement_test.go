package introspect_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestRS12_AllOrAnyOfAScope(t *testing.T) {
	for _, c := range []struct {
		has, wanted string
		all, any    bool
	}{
		{"a b c", "a b", true, true}, {"a b", "b a", true, true}, {"a", "a b", false, true}, {"c", "a b", false, false},
		{"", "a", false, false}, {"", "", true, true}, {"aa", "a", false, false}, {"A", "a", false, false},
	} {
		has, _ := oauth.ParseScope(c.has)
		wanted, _ := oauth.ParseScope(c.wanted)
		if introspect.HasScope(has, wanted, false) != c.all || introspect.HasScope(has, wanted, true) != c.any {
			t.Errorf("%q of %q is not: all %v, any %v", c.has, c.wanted, c.all, c.any)
		}
	}
}

// What is lacking is told in this order: what a client can mend by asking for
// more scope, what it cannot mend, and last the login, of no use before.
func TestRS12_AllConditionsMustHold(t *testing.T) {
	_, all := rules(t, introspect.Rule{
		Path: "/pay*", Scope: oauth.Scope{"pay", "admin"}, AnyScope: true,
		Claims: []introspect.ClaimCondition{{Path: "tier", Values: []string{"gold"}}, {Path: "org.id", Values: []string{"7"}}},
		ACR:    []string{"phr"}, MaxAge: time.Minute, Expression: `request.method != "DELETE"`,
	}).Decide("POST", "/pay/1")
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		scope  string
		method string
		claims map[string]any
		lacks  string
	}{
		"nothing":               {"x pay", "POST", nil, ""},
		"the scope":             {"x", "POST", nil, introspect.LacksScope},
		"scope and all else":    {"", "DELETE", map[string]any{"tier": "tin", "acr": "0"}, introspect.LacksScope},
		"one claim":             {"pay", "POST", map[string]any{"tier": "tin"}, introspect.LacksClaim},
		"the other claim":       {"pay", "POST", map[string]any{"org": nil}, introspect.LacksClaim},
		"claim and login":       {"pay", "POST", map[string]any{"org": nil, "acr": "0"}, introspect.LacksClaim},
		"the expression":        {"admin", "DELETE", nil, introspect.LacksExpression},
		"expression and login":  {"admin", "DELETE", map[string]any{"acr": "0"}, introspect.LacksExpression},
		"the class of login":    {"admin", "POST", map[string]any{"acr": "0"}, introspect.LacksAuthentication},
		"the time of the login": {"admin", "POST", map[string]any{"auth_time": json.Number("1")}, introspect.LacksAuthentication},
	} {
		claims := map[string]any{
			"tier": "gold", "org": map[string]any{"id": json.Number("7")}, "acr": "phr", "auth_time": json.Number("1800000000"),
		}
		for claim, value := range c.claims {
			claims[claim] = value
		}
		scope, _ := oauth.ParseScope(c.scope)
		got := all.Check(&introspect.Token{Scope: scope, Claims: introspect.ClaimsOf(claims)}, introspect.Request{Method: c.method}, now, 0)
		if (got == nil) != (c.lacks == "") || got != nil && got.Lacks != c.lacks {
			t.Errorf("%s: %+v, want %q", name, got, c.lacks)
		}
		if got != nil && (got.Lacks == introspect.LacksScope) != (got.Scope.String() == "pay admin") {
			t.Errorf("%s: the client is told scope %q", name, got.Scope)
		}
	}
}

// A cached token costs nothing on a rule without expression (DESIGN.md 4a).
func TestACheckDoesNotAllocate(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	token := &introspect.Token{Scope: oauth.Scope{"a", "b"}, Claims: introspect.ClaimsOf(map[string]any{
		"roles": []any{"x", json.Number("7")}, "app": map[string]any{"on": true}, "acr": "phr", "auth_time": json.Number("1800000000"),
	})}
	all := rules(t, introspect.Rule{Path: "/public", Public: true}, introspect.Rule{
		Methods: []string{"GET"}, Path: "/a*", Scope: oauth.Scope{"b", "a"},
		Claims: []introspect.ClaimCondition{{Path: "roles", Values: []string{"7"}}, {Path: "app.on", Values: []string{"true"}}},
		ACR:    []string{"phr"}, MaxAge: time.Minute,
	})
	request := introspect.Request{Method: "GET", Path: "/a/b"}
	if got := testing.AllocsPerRun(100, func() {
		decision, requirement := all.Decide("GET", "/a/b")
		if decision != introspect.Allow || requirement.Check(token, request, now, 0) != nil {
			t.Fatal("refused")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

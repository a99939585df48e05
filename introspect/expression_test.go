package introspect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func expressing(text string) introspect.Rule { return introspect.Rule{Path: "*", Expression: text} }

func expressionToken(t testing.TB) *introspect.Token {
	t.Helper()
	big := make([]string, 1500)
	for i := range big {
		big[i] = fmt.Sprintf("%q", fmt.Sprint("role", i))
	}
	claims, err := oauth.DecodeObject(fmt.Appendf(nil, `{"sub": "alice", "level": 3, "score": 7.5, "huge": 1e400, "none": null, "admin": true,
		"roles": ["user", 1], "org": {"id": "o-1"}, "https://claims.test/region": "eu", "big": [%s], "long": %q}`,
		strings.Join(big, ","), strings.Repeat("a", 5000)))
	if err != nil {
		t.Fatal(err)
	}
	return &introspect.Token{
		Issuer: "https://idp.test", Subject: "alice", ClientID: "web", Scope: oauth.Scope{"orders:read", "x"}, Claims: introspect.ClaimsOf(claims),
	}
}

var expressionRequest = introspect.Request{
	Method: "GET", Path: "/orders/7", Host: "api.test", ClientIP: "192.0.2.7", Query: "a=1&a=2&b&c=%20",
}

func TestExpressions(t *testing.T) {
	token, now := expressionToken(t), time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{ // true, false, or the fault
		`claims.sub == "alice" && request.method == "GET"`:             "true",
		`claims.sub == "bob"`:                                          "false",
		`sub == "alice" && client_id == "web"`:                         "true",
		`issuer == "https://idp.test"`:                                 "true",
		`"orders:read" in scope`:                                       "true",
		`"orders" in scope`:                                            "false",
		`scope.exists(s, s.startsWith("orders:"))`:                     "true",
		`claims.level == 3 && claims.level >= 2.5`:                     "true",
		`claims.level == "3"`:                                          "false",
		`claims.score > 7.0 && claims.score < 8`:                       "true",
		`claims.admin == true`:                                         "true",
		`claims.none == null`:                                          "true",
		`"user" in claims.roles && 1 in claims.roles`:                  "true",
		`"1" in claims.roles`:                                          "false",
		`claims.org.id.matches("^o-[0-9]+$")`:                          "true",
		`claims["https://claims.test/region"] == "eu"`:                 "true",
		`request.path.startsWith("/orders/") && size(sub) == 5`:        "true",
		`request.host == "api.test"`:                                   "true",
		`request.client_ip == "192.0.2.7"`:                             "true",
		`request.query.a == ["1", "2"] && request.query["c"] == [" "]`: "true",
		`request.query.b[0] == ""`:                                     "true",
		`request.time.getHours() == 12`:                                "true",
		`timestamp("2026-01-01T00:00:00Z") < request.time`:             "true",
		// A claim that may be missing is asked for first.
		`has(claims.missing)`:                          "false",
		`has(claims.org.id) && claims.org.id == "o-1"`: "true",
		`"missing" in claims`:                          "false",
		`!has(claims.missing) || claims.missing == 1`:  "true",
		// What has no value is refused, also under a negation.
		`claims.missing == 1`:                             introspect.FaultMissing,
		`claims.missing != 1`:                             introspect.FaultMissing,
		`!(claims.missing == 1)`:                          introspect.FaultMissing,
		`!("admin" in claims.groups)`:                     introspect.FaultMissing,
		`claims.sub.x == 1`:                               introspect.FaultMissing,
		`claims.roles[9] == 1`:                            introspect.FaultMissing,
		`claims[sub] == 1`:                                introspect.FaultMissing,
		`request.query.z[0] == "1"`:                       introspect.FaultMissing,
		`claims.sub > 3`:                                  introspect.FaultType,
		`claims.huge > 1.0`:                               introspect.FaultType,
		`int(claims.sub) == 1`:                            introspect.FaultType,
		`claims.level / 0 == 1`:                           introspect.FaultOther,
		`claims.big.exists(a, a == "role200")`:            "true",
		`claims.big.all(a, claims.big.exists(b, a == b))`: introspect.FaultCost,
		`claims.big.map(a, claims.long + a).map(a, a + a + a).exists(a, a == "")`: introspect.FaultCost,
	} {
		made, _, err := introspect.NewRules([]introspect.Rule{expressing(text)})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, requirement := made.Decide("GET", "/")
		shortfall := requirement.Check(token, expressionRequest, now, 0)
		got := "true"
		switch {
		case shortfall == nil:
		case shortfall.Fault != "":
			got = shortfall.Fault
		default:
			got = "false"
		}
		if got != want || shortfall != nil && shortfall.Lacks != introspect.LacksExpression {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAnExpressionReadsOnlyASoundQuery(t *testing.T) {
	made := rules(t, expressing(`!("x" in request.query)`))
	_, requirement := made.Decide("GET", "/")
	for query, fault := range map[string]string{
		"": "", "a=1": "", "a=%zz": introspect.FaultQuery, "a=1;x=2": introspect.FaultQuery,
		"a=" + strings.Repeat("a", 9<<10): introspect.FaultQuery,
	} {
		shortfall := requirement.Check(expressionToken(t), introspect.Request{Query: query}, time.Time{}, 0)
		if (shortfall == nil) != (fault == "") || shortfall != nil && shortfall.Fault != fault {
			t.Errorf("%.20q: %+v, want %q", query, shortfall, fault)
		}
	}
}

// A path that an expression judges must mean the same to the upstream, as one
// that a pattern judges.
func TestRS34_AnExpressionCanSpeakOfPathsToo(t *testing.T) {
	for text, want := range map[string]bool{
		`!request.path.startsWith("/admin") || "admin" in scope`: true,
		`scope.exists(s, request . path == s)`:                   true,
		`request.method == "GET" && "request.path" != sub`:       false,
	} {
		if got := rules(t, expressing(text)).HasPaths(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`claims.sub ==`:                   "expression, line 1 column 14: ",
		`claim.sub == "a"`:                "undeclared reference to 'claim'; the variables are claims, scope, sub",
		"true &&\n  foo":                  "line 2 column 3: undeclared reference to 'foo'",
		`request.header == ""`:            "undeclared reference to 'request'",
		`request == 1`:                    "undeclared reference",
		`token.sub == "a"`:                "undeclared reference",
		`request.method == 1`:             "no matching overload",
		`sub.nothing() == 1`:              "undeclared reference to 'nothing'",
		`sub`:                             "gives string and not true or false",
		`claims.admin`:                    "gives dyn and not true or false: compare it",
		`1 + 1`:                           "gives int",
		`sub.matches("(")`:                "missing closing )",
		`sub.matches(claims.pattern)`:     "pattern that is written there",
		`sub.matches(request.path)`:       "pattern that is written there",
		`scope.exists(s, sub.matches(s))`: "pattern that is written there",
		strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000): "expression",
	} {
		_, _, err := introspect.NewRules([]introspect.Rule{expressing(text)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v\nwant one with %q", text, err, want)
		}
	}
}

// FuzzExpression: what compiles has an answer for any token and request, the
// same one again, and within the cost.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`claims.sub == "alice"`, `claims.roles.exists(r, r == 1)`, `request.query.a[0] == "1"`, `sub.matches("^a+$")`, `!has(claims.x.y)`,
		`claims.big.map(x, x + x).size() > 3`, `request.time < timestamp(0)`, `[claims, {"a": claims}].all(x, x == x)`, `1/0 == 1 || true`,
		`int(claims.score) == 7 && dyn(1u) == 1.0`, `type(claims.level) == int`, `b"x" == bytes(sub)`, `claims["a"].b[0]["c"] == 1`,
	} {
		f.Add(seed, `{"sub":"alice","level":3}`, "a=1")
		f.Add(seed, `{"roles":[1,"a",{"x":null}],"big":["a","b"]}`, "%")
	}
	f.Fuzz(func(t *testing.T, text, document, query string) {
		if len(text) > 1000 || text == "" {
			return
		}
		made, _, err := introspect.NewRules([]introspect.Rule{expressing(text)})
		if err != nil {
			return
		}
		claims, err := oauth.DecodeObject([]byte(document))
		if err != nil {
			return
		}
		token := &introspect.Token{Subject: "alice", Claims: introspect.ClaimsOf(claims)}
		_, requirement := made.Decide("GET", "/")
		first := requirement.Check(token, introspect.Request{Query: query}, time.Unix(0, 0), 0)
		second := requirement.Check(token, introspect.Request{Query: query}, time.Unix(0, 0), 0)
		if (first == nil) != (second == nil) || first != nil && first.Fault != second.Fault {
			t.Errorf("%s: %+v and then %+v", text, first, second)
		}
	})
}

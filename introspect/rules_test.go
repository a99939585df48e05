package introspect_test

import (
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func allow(methods, path, scope string) introspect.Rule {
	rule := introspect.Rule{Path: path}
	if methods != "" {
		rule.Methods = strings.Split(methods, ",")
	}
	rule.Scope, _ = oauth.ParseScope(scope)
	return rule
}

func public(methods, path string) introspect.Rule {
	rule := allow(methods, path, "")
	rule.Public = true
	return rule
}

func rules(t *testing.T, lines ...introspect.Rule) *introspect.Rules {
	t.Helper()
	made, warnings, err := introspect.NewRules(lines)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return made
}

func TestRS12_FirstLineThatMatchesDecides(t *testing.T) {
	orders := rules(t,
		public("", "/health"),
		public("OPTIONS", "*"),
		allow("GET,HEAD", "/orders*", "orders:read"),
		allow("", "/orders/admin", "orders:admin orders:write"),
		allow("", "/orders*", "orders:write"),
		allow("PATCH", "/any*", ""),
	)
	for _, c := range []struct {
		method, path string
		want         introspect.Decision
		scope        string
	}{
		{"GET", "/health", introspect.Public, ""},
		{"DELETE", "/health", introspect.Public, ""},
		{"OPTIONS", "/orders", introspect.Public, ""},
		{"OPTIONS", "*", introspect.Public, ""},
		{"GET", "/orders", introspect.Allow, "orders:read"},
		{"HEAD", "/orders/7", introspect.Allow, "orders:read"},
		{"GET", "/orders/admin", introspect.Allow, "orders:read"},
		{"POST", "/orders/admin", introspect.Allow, "orders:admin orders:write"},
		{"POST", "/orders/admin/x", introspect.Allow, "orders:write"},
		{"PATCH", "/any/thing", introspect.Allow, ""},
		// What no line matches is denied.
		{"GET", "/", introspect.Deny, ""},
		{"GET", "/any", introspect.Deny, ""},
		{"GET", "*", introspect.Deny, ""},
		{"GET", "", introspect.Deny, ""},
		// G63: methods are what they are, and only that.
		{"get", "/orders", introspect.Allow, "orders:write"},
		{"get", "/any", introspect.Deny, ""},
		{"INVENTED", "/orders", introspect.Allow, "orders:write"},
		{"options", "/nowhere", introspect.Deny, ""},
		// Paths too.
		{"GET", "/Health", introspect.Deny, ""},
		{"GET", "/health/", introspect.Deny, ""},
		{"GET", "/healthy", introspect.Deny, ""},
		{"GET", "/ordersx", introspect.Deny, ""},
		{"GET", "/ORDERS", introspect.Deny, ""},
		{"GET", "x/orders", introspect.Deny, ""},
	} {
		if got, requirement := orders.Decide(c.method, c.path); got != c.want || scopeOf(requirement).String() != c.scope {
			t.Errorf("%s %s: %v %q, want %v %q", c.method, c.path, got, scopeOf(requirement), c.want, c.scope)
		}
	}
}

func TestPatterns(t *testing.T) {
	for pattern, paths := range map[string]map[string]bool{
		"*":              {"/": true, "/a": true, "*": true, "": true},
		"/*":             {"/": true, "/a": true, "*": false, "": false},
		"/":              {"/": true, "/a": false},
		"/orders":        {"/orders": true, "/orders/": false, "/orders/7": false, "/ordersx": false},
		"/orders*":       {"/orders": true, "/orders/": true, "/orders/7": true, "/orders/7/x": true, "/ordersx": false, "/order": false},
		"/orders/*":      {"/orders": false, "/orders/": true, "/orders/7": true, "/ordersx": false},
		"/orders/":       {"/orders": false, "/orders/": true, "/orders/7": false},
		"/a b/\u00e9*":   {"/a b/\u00e9": true, "/a b/\u00e9/x": true, "/a b": false},
		"/.well-known/x": {"/.well-known/x": true},
	} {
		made := rules(t, allow("", pattern, ""))
		for path, want := range paths {
			if got, _ := made.Decide("GET", path); (got == introspect.Allow) != want {
				t.Errorf("%s matches %q: %v", pattern, path, got == introspect.Allow)
			}
		}
		if made.HasPaths() != (pattern != "*") {
			t.Errorf("%s: HasPaths %v", pattern, made.HasPaths())
		}
	}
}

func TestNoRulesAllowAnyValidToken(t *testing.T) {
	none := rules(t)
	if got, requirement := none.Decide("DELETE", "/x"); got != introspect.Allow || requirement != nil || none.HasPaths() {
		t.Errorf("%v %v", got, requirement)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for want, rule := range map[string]introspect.Rule{
		"begins with /":          allow("", "orders", ""),
		"rule 1 (allow * )":      allow("", "", ""),
		"one *, at its end":      allow("", "/a*/b", ""),
		"one *":                  allow("", "/a**", ""),
		"written decoded":        allow("", "/a%20b", ""),
		"without %, ? and #":     allow("", "/a?b", ""),
		"has //":                 allow("", "//a", ""),
		"dot segment":            allow("", "/a/../b", ""),
		"backslash":              allow("", `/a\b`, ""),
		"asks for no token":      {Public: true, Path: "/a", Scope: oauth.Scope{"x"}},
		"is not a method":        allow("GE T", "/a", ""),
		"have commas between":    allow("GET|HEAD", "/a", ""),
		`"" is not a method`:     allow("GET,", "/a", ""),
		`"*" is not a method`:    allow("*", "/a", ""),
		"write GET":              allow("get", "/a", ""),
		"is not a scope":         {Path: "/a", Scope: oauth.Scope{"a b"}},
		"any of no scope":        {Path: "/a", AnyScope: true},
		"needs its name":         {Path: "/a", Claims: []introspect.ClaimCondition{{Values: []string{"x"}}}},
		"the values that":        {Path: "/a", Claims: []introspect.ClaimCondition{{Path: "x"}}},
		"is not an acr value":    {Path: "/a", ACR: []string{"a b"}},
		`"" is not an acr value`: {Path: "/a", ACR: []string{""}},
		"in whole seconds":       {Path: "/a", MaxAge: 1500 * time.Millisecond},
		"1s at least":            {Path: "/a", MaxAge: -time.Second},
		"expression, line 1":     {Path: "/a", Expression: "foo"},
		"use allow":              {Public: true, Path: "/a", MaxAge: time.Second},
	} {
		if _, _, err := introspect.NewRules([]introspect.Rule{rule}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestUnreachableRulesWarn(t *testing.T) {
	for name, c := range map[string]struct {
		lines []introspect.Rule
		warns bool
	}{
		"the same twice":                    {[]introspect.Rule{allow("", "/a", ""), allow("", "/a", "x")}, true},
		"after everything":                  {[]introspect.Rule{allow("", "*", ""), allow("GET", "/a", "")}, true},
		"below":                             {[]introspect.Rule{allow("", "/a*", ""), allow("", "/a/b*", "")}, true},
		"below, any path":                   {[]introspect.Rule{allow("", "/*", ""), allow("", "/a", "")}, true},
		"in two parts":                      {[]introspect.Rule{allow("", "/a", ""), allow("", "/a/*", ""), allow("", "/a*", "")}, true},
		"methods in two lines":              {[]introspect.Rule{allow("GET", "/a", ""), allow("PUT", "/a", ""), allow("GET,PUT", "/a", "")}, true},
		"public first":                      {[]introspect.Rule{public("", "/a*"), allow("", "/a/secret", "x")}, true},
		"only below":                        {[]introspect.Rule{allow("", "/a/*", ""), allow("", "/a*", "")}, false},
		"only the path itself":              {[]introspect.Rule{allow("", "/a", ""), allow("", "/a*", "")}, false},
		"one method of two":                 {[]introspect.Rule{allow("GET", "/a", ""), allow("GET,PUT", "/a", "")}, false},
		"any method after some":             {[]introspect.Rule{allow("GET,PUT,POST", "/a", ""), allow("", "/a", "")}, false},
		"a segment that begins the same":    {[]introspect.Rule{allow("", "/a*", ""), allow("", "/ab", "")}, false},
		"everything after all paths":        {[]introspect.Rule{allow("", "/*", ""), allow("", "*", "")}, false},
		"a path in another case":            {[]introspect.Rule{allow("", "/a", ""), allow("", "/A", "")}, false},
		"wider after narrower":              {[]introspect.Rule{allow("", "/a/b", ""), allow("", "/a*", "")}, false},
		"other method, same path":           {[]introspect.Rule{allow("GET", "/a", ""), allow("PUT", "/a", "")}, false},
		"prefix in slash form, path itself": {[]introspect.Rule{allow("", "/a/*", ""), allow("", "/a", "")}, false},
	} {
		_, warnings, err := introspect.NewRules(c.lines)
		if err != nil || (len(warnings) > 0) != c.warns {
			t.Errorf("%s: %v, %v", name, warnings, err)
		}
	}
	_, warnings, _ := introspect.NewRules([]introspect.Rule{public("", "/a*"), allow("GET,HEAD", "/a/b", "x y")})
	if want := "rule 2 (allow GET,HEAD /a/b scope x y) is never reached: earlier rules match all that it matches"; len(warnings) != 1 || warnings[0] != want {
		t.Errorf("%q", warnings)
	}
}

// A line whose conditions fail refuses the request: they do not make a later
// line reachable.
func TestConditionsDoNotMakeALaterLineReachable(t *testing.T) {
	_, warnings, err := introspect.NewRules([]introspect.Rule{
		{Path: "/a*", Claims: []introspect.ClaimCondition{{Path: "tier", Values: []string{"gold"}}}, Expression: "sub == 'a'", MaxAge: time.Minute},
		allow("GET", "/a", ""),
	})
	if err != nil || len(warnings) != 1 {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestTheDecidingLineIsTold(t *testing.T) {
	made := rules(t, public("", "/health"), allow("GET,HEAD", "/a*", "x"), allow("", "/a*", ""))
	for request, want := range map[string]string{
		"GET /health": "public /health", "GET /a/b": "allow GET,HEAD /a* scope x", "PUT /a": "allow * /a*", "GET /b": "no rule matches",
	} {
		method, path, _ := strings.Cut(request, " ")
		n := made.DecideLine(method, path)
		if got := made.Describe(n); got != want {
			t.Errorf("%s is decided by line %d: %s, want %s", request, n, got, want)
		}
	}
	if _, requirement := made.Decide("GET", "/a"); requirement.Line() != "allow GET,HEAD /a* scope x" {
		t.Errorf("the requirement is of %s", requirement.Line())
	}
	none := rules(t)
	if got := none.Describe(none.DecideLine("GET", "/")); got != "no rules: any valid token passes" {
		t.Error(got)
	}
}

func TestALineReadsAsItIsWritten(t *testing.T) {
	for want, rule := range map[string]introspect.Rule{
		"public GET /a":                        public("GET", "/a"),
		"allow * *":                            allow("", "*", ""),
		"allow * /a scope any r w":             {Path: "/a", Scope: oauth.Scope{"r", "w"}, AnyScope: true},
		"allow * /a scope all any r":           {Path: "/a", Scope: oauth.Scope{"any", "r"}},
		"allow * /a claim r.s admin `a b` ``":  {Path: "/a", Claims: []introspect.ClaimCondition{{Path: "r.s", Values: []string{"admin", "a b", ""}}}},
		"allow * /a claim x \"`\\\"\"":         {Path: "/a", Claims: []introspect.ClaimCondition{{Path: "x", Values: []string{"`\""}}}},
		"allow * /a acr 1 2 max_age 5m":        {Path: "/a", ACR: []string{"1", "2"}, MaxAge: 5 * time.Minute},
		"allow * /a max_age 1h":                {Path: "/a", MaxAge: time.Hour},
		"allow * /a max_age 1h0m30s":           {Path: "/a", MaxAge: time.Hour + 30*time.Second},
		"allow * /a expression `sub == \"a\"`": {Path: "/a", Expression: `sub == "a"`},
	} {
		if got := rule.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRS34_AmbiguousPath(t *testing.T) {
	for escaped, want := range map[string]bool{
		"/": false, "/orders": false, "/orders/7.json": false, "/.well-known/x": false, "/a...b": false, "/...": false, "/a%20b": false, "/%41": false, "/a;v=1": true, "/write;": true, "/write%3bx": true, "/write%00": true, "/write\x00": true,
		"": false, "*": false, "/a%252eb": false, "/100%25": false, "/a%2": false, "/a.": false, "/..a/": false, "/.;": true,
		"//": true, "/a//b": true, "/a/./b": true, "/a/../b": true, "/..": true, "/.": true, "/a/..": true, "..": true, ".": true, "/./": true,
		"/%2e%2e/b": true, "/%2E./b": true, "/a%2eb": true, "/a%2fb": true, "/a%2Fb": true, "/a%5cb": true, "/a%5Cb": true, `/a\b`: true, `\a`: true,
		"/a/..;/b": true, "/a/..;x=1/b": true, "/a/.;/b": true, "/a;/../b": true,
	} {
		if got := introspect.AmbiguousPath(escaped); got != want {
			t.Errorf("%q: %v", escaped, got)
		}
	}
}

// FuzzAmbiguousPath: a path that is not ambiguous stays what it is however an
// upstream cleans it or decodes its slashes.
func FuzzAmbiguousPath(f *testing.F) {
	for _, seed := range []string{"/", "/a/b", "/a/../b", "/%2e%2E/b", "/a%2fb", "//", `/\`, "/a;x/..;/b", "/%", "/%2", "/%41%42", "/./", "/..", "/a%5Cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		if !strings.HasPrefix(escaped, "/") || introspect.AmbiguousPath(escaped) {
			return
		}
		decoded, err := url.PathUnescape(escaped)
		if err != nil {
			return
		}
		slash := ""
		if strings.HasSuffix(decoded, "/") && decoded != "/" {
			slash = "/"
		}
		if cleaned := path.Clean(decoded) + slash; cleaned != decoded {
			t.Fatalf("%q means %q to one and %q to another", escaped, decoded, cleaned)
		}
		if strings.Count(decoded, "/") != strings.Count(escaped, "/") || strings.Contains(decoded, `\`) {
			t.Fatalf("%q decodes to other segments: %q", escaped, decoded)
		}
	})
}

func scopeOf(requirement *introspect.Requirement) oauth.Scope {
	if requirement == nil {
		return nil
	}
	return requirement.Scope
}

package caddymodule

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// wantWarnings: one warning for each text, and no other.
func wantWarnings(t *testing.T, name string, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d warnings, want %d: %q", name, len(got), len(want), got)
		return
	}
	for n, text := range want {
		if !strings.Contains(got[n], text) {
			t.Errorf("%s: %q does not say %q", name, got[n], text)
		}
	}
}

func TestWeakRoutesAreNamed(t *testing.T) {
	matcher := func(text string) caddyhttp.RawMatcherSets {
		var set caddy.ModuleMap
		if err := json.Unmarshal([]byte(text), &set); err != nil {
			t.Fatal(err)
		}
		return caddyhttp.RawMatcherSets{set}
	}
	for name, c := range map[string]struct {
		route BearerAuth
		want  []string
	}{
		"nothing said":           {BearerAuth{}, nil},
		"optional":               {BearerAuth{Mode: modeOptional}, nil},
		"report_only":            {BearerAuth{Mode: modeReportOnly}, []string{"change it to required"}},
		"leeway 30s":             {BearerAuth{Leeway: caddy.Duration(30 * time.Second)}, nil},
		"leeway 31s":             {BearerAuth{Leeway: caddy.Duration(31 * time.Second)}, []string{"leeway 31s"}},
		"forward, one issuer":    {BearerAuth{ForwardToken: true, Issuers: []string{"a"}}, nil},
		"two issuers":            {BearerAuth{Issuers: []string{"a"}, Realms: []string{"/"}}, nil},
		"forward, two issuers":   {BearerAuth{ForwardToken: true, Issuers: []string{"a"}, Realms: []string{"/"}}, []string{"several issuers"}},
		"public path":            {BearerAuth{Rules: []BearerRule{{Public: true, Path: "/health"}, {Public: true, Path: "/docs*"}}}, nil},
		"public method anywhere": {BearerAuth{Rules: []BearerRule{{Public: true, Path: "*", Methods: []string{"OPTIONS"}}}}, nil},
		"allow anything":         {BearerAuth{Rules: []BearerRule{{Path: "*"}}}, nil},
		"audience with a comma":  {BearerAuth{Audience: []string{"https://a.test,", "https://b.test"}}, []string{`"https://a.test," has a comma`}},
		"scope with a comma":     {BearerAuth{Rules: []BearerRule{{Path: "/a", Scope: []string{"a,b"}}}}, []string{`"a,b" has a comma`}},
		"public anything":        {BearerAuth{Rules: []BearerRule{{Path: "/admin*"}, {Public: true, Path: "*"}}}, []string{"public *"}},
		"public by default":      {BearerAuth{Rules: []BearerRule{{Public: true}}}, []string{"public *"}},
		"public root":            {BearerAuth{Rules: []BearerRule{{Public: true, Path: "/*"}}}, []string{"public *"}},
		"matcher by method":      {BearerAuth{MatcherSetsRaw: matcher(`{"method":["POST"],"header":{"X-Path":["path"]}}`)}, nil},
		"matcher by path":        {BearerAuth{MatcherSetsRaw: matcher(`{"path":["/admin*"]}`)}, []string{"chooses by path"}},
		"matcher by regexp":      {BearerAuth{MatcherSetsRaw: matcher(`{"path_regexp":{"pattern":"^/a"}}`)}, []string{"chooses by path"}},
		"matcher by not":         {BearerAuth{MatcherSetsRaw: matcher(`{"not":[{"method":["GET"]},{"path":["/health"]}]}`)}, []string{"chooses by path"}},
		"matcher not by method":  {BearerAuth{MatcherSetsRaw: matcher(`{"not":[{"method":["GET"]}]}`)}, nil},
		"matcher by expression":  {BearerAuth{MatcherSetsRaw: matcher(`{"expression":"path('/a*')"}`)}, []string{"chooses by path"}},
		"header of the token":    {BearerAuth{Headers: []BearerHeader{{Name: "X-A", Value: "of {http.auth.token.a}"}, {Name: "X-B", Value: "{http.auth.user.id}"}}}, nil},
		"header of no claim":     {BearerAuth{Headers: []BearerHeader{{Name: "X-A", Value: "{http.auth.tokens.a}"}, {Name: "X-B", Value: "b"}}}, []string{"header X-A", "header X-B"}},
		"matcher by scope":       {BearerAuth{MatcherSetsRaw: matcher(`{"token_scope":{"scopes":["a"]}}`)}, []string{"still to be judged"}},
		"matcher not by claim":   {BearerAuth{MatcherSetsRaw: matcher(`{"not":[{"token_claim":{"a":["b"]}}]}`)}, []string{"still to be judged"}},
		"scope in an expression": {BearerAuth{MatcherSetsRaw: matcher(`{"expression":"token_scope('a')"}`)}, []string{"still to be judged"}},
		"two at once":            {BearerAuth{Mode: modeReportOnly, Leeway: caddy.Duration(time.Minute)}, []string{"report_only", "leeway 1m0s"}},
	} {
		wantWarnings(t, name, c.route.warnings(), c.want...)
	}
}

func TestWeakIssuersAreNamed(t *testing.T) {
	asked := func(lax bool, ttl time.Duration) introspect.Foreign {
		return introspect.Foreign{Introspection: introspect.Introspection{RequireAudience: !lax, CacheTTL: ttl}}
	}
	for name, c := range map[string]struct {
		issuer     introspect.Foreign
		introspect bool
		want       []string
	}{
		"nothing said":          {introspect.Foreign{}, false, nil},
		"asked for":             {asked(false, 0), true, nil},
		"without audience":      {asked(true, 0), true, []string{"missing_audience allow"}},
		"cache 5m":              {asked(false, 5*time.Minute), true, nil},
		"cache 6m":              {asked(false, 6*time.Minute), true, []string{"cache 6m"}},
		"keys hourly":           {introspect.Foreign{Refresh: time.Hour}, false, nil},
		"keys daily":            {introspect.Foreign{Refresh: 24 * time.Hour}, false, []string{"refresh 24h"}},
		"stale keys for a week": {introspect.Foreign{MaxStale: 7 * 24 * time.Hour}, false, nil},
		"and for longer":        {introspect.Foreign{MaxStale: 8 * 24 * time.Hour}, false, []string{"max_stale 192h"}},
	} {
		wantWarnings(t, name, issuerWarnings(c.issuer, c.introspect), c.want...)
	}
}

// What we show first is not weak.
func TestExamplesAreNotWeak(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(example)}
	for n, part := range strings.Split(string(readme), "```caddyfile\n") {
		if n > 0 {
			text, _, _ := strings.Cut(part, "```")
			shown = append(shown, text)
		}
	}
	routes := 0
	for _, text := range shown {
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(adapted), `{"audience"`)[1:] {
			route := new(BearerAuth)
			if err := json.NewDecoder(strings.NewReader(`{"audience"` + part)).Decode(route); err != nil {
				t.Fatal(err)
			}
			wantWarnings(t, text, route.warnings())
			routes++
		}
	}
	if routes < 3 {
		t.Errorf("%d routes were looked at", routes)
	}
}

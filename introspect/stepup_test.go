package introspect_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9470 §3: the boundary is exact, and clocks may be apart by the leeway.
func TestRS13_G45_TheLoginMustBeStrongAndFreshEnough(t *testing.T) {
	const leeway = 10 * time.Second
	now := time.Unix(1_800_000_000, 0)
	ago := func(seconds int64) json.Number { return json.Number(strconv.FormatInt(now.Unix()-seconds, 10)) }
	acr := introspect.Rule{Path: "*", ACR: []string{"phr", "phrh"}}
	fresh := introspect.Rule{Path: "*", MaxAge: 5 * time.Minute}
	both := introspect.Rule{Path: "*", ACR: acr.ACR, MaxAge: fresh.MaxAge}
	for name, c := range map[string]struct {
		rule   introspect.Rule
		claims map[string]any
		meets  bool
	}{
		"acr, the first":         {acr, map[string]any{"acr": "phr"}, true},
		"acr, another":           {acr, map[string]any{"acr": "phrh"}, true},
		"acr, a lower one":       {acr, map[string]any{"acr": "0"}, false},
		"acr missing":            {acr, nil, false},
		"acr empty":              {acr, map[string]any{"acr": ""}, false},
		"acr both in one":        {acr, map[string]any{"acr": "phr phrh"}, false},
		"acr in another case":    {acr, map[string]any{"acr": "PHR"}, false},
		"acr a list":             {acr, map[string]any{"acr": []any{"phr"}}, false},
		"acr a number":           {acr, map[string]any{"acr": json.Number("1")}, false},
		"just now":               {fresh, map[string]any{"auth_time": ago(0)}, true},
		"at the limit":           {fresh, map[string]any{"auth_time": ago(300)}, true},
		"at limit and leeway":    {fresh, map[string]any{"auth_time": ago(310)}, true},
		"a second later":         {fresh, map[string]any{"auth_time": ago(311)}, false},
		"in 1970":                {fresh, map[string]any{"auth_time": json.Number("0")}, false},
		"ahead, clocks apart":    {fresh, map[string]any{"auth_time": ago(-10)}, true},
		"ahead, beyond that":     {fresh, map[string]any{"auth_time": ago(-11)}, false},
		"in the year 9999":       {fresh, map[string]any{"auth_time": json.Number("253402300799")}, false},
		"auth_time missing":      {fresh, nil, false},
		"auth_time a string":     {fresh, map[string]any{"auth_time": string(ago(0))}, false},
		"auth_time null":         {fresh, map[string]any{"auth_time": nil}, false},
		"auth_time not a number": {fresh, map[string]any{"auth_time": json.Number("1e400")}, false},
		"auth_time negative":     {fresh, map[string]any{"auth_time": json.Number("-1")}, false},
		"both":                   {both, map[string]any{"acr": "phr", "auth_time": ago(1)}, true},
		"both, acr alone":        {both, map[string]any{"acr": "phr"}, false},
		"both, time alone":       {both, map[string]any{"auth_time": ago(1)}, false},
	} {
		_, requirement := rules(t, c.rule).Decide("GET", "/")
		shortfall := requirement.Check(&introspect.Token{Claims: introspect.ClaimsOf(c.claims)}, introspect.Request{}, now, leeway)
		switch {
		case (shortfall == nil) != c.meets:
			t.Errorf("%s: %+v", name, shortfall)
		case shortfall == nil:
		case shortfall.Lacks != introspect.LacksAuthentication || !slices.Equal(shortfall.ACR, c.rule.ACR) || shortfall.MaxAge != c.rule.MaxAge:
			t.Errorf("%s: the client is told %+v", name, shortfall)
		}
	}
}

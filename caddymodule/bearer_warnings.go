package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// Beyond these a setting is allowed and yet weak.
const (
	ampleLeeway  = 30 * time.Second
	longCache    = 5 * time.Minute
	rareRefresh  = time.Hour
	longMaxStale = 7 * 24 * time.Hour
)

// warnings names what is valid in a bearer_auth and yet leaves a door ajar, why,
// and what to do about it. It is asked before modules are loaded, for Caddy then
// forgets what the configuration said of them.
func (b *BearerAuth) warnings() []string {
	var warnings []string
	if b.Mode == modeReportOnly {
		warnings = append(warnings, "mode report_only refuses nothing: requests without a valid token reach the upstream. "+
			"When the logs and metrics show no more would_refuse, change it to required")
	}
	if leeway := time.Duration(b.Leeway); leeway > ampleLeeway {
		warnings = append(warnings, fmt.Sprintf("leeway %s: tokens count for so long after they have expired. "+
			"Clocks that are kept by NTP need 10s", leeway))
	}
	if b.ForwardToken && len(b.Issuers)+len(b.Realms) > 1 {
		warnings = append(warnings, "token forward with several issuers: an upstream that reads sub from the token alone takes "+
			"one issuer's user for another's. Use X-Auth-Issuer and X-Auth-Subject together, or a bearer_auth for each issuer")
	}
	for _, word := range b.words() {
		if strings.Contains(word, ",") {
			warnings = append(warnings, fmt.Sprintf("%q has a comma in it, which is part of the name here: "+
				"audiences and scopes are separated by spaces", word))
		}
	}
	if slices.ContainsFunc(b.Rules, opensTheRest) {
		warnings = append(warnings, "public * opens every path that no line before it names, /Admin beside /admin* included. "+
			"Name the paths that are public: what no line names is denied")
	}
	for _, header := range b.Headers {
		if !slices.ContainsFunc(header.mapped().parts, func(p headerPart) bool { return p.claim != "" }) {
			warnings = append(warnings, fmt.Sprintf("header %s says nothing of the token: placeholders that do begin with http.auth.token., "+
				"as in {http.auth.token.name}", header.Name))
		}
	}
	if choosesByPath(b.MatcherSetsRaw) {
		warnings = append(warnings, "the matcher of bearer_auth chooses by path: what it leaves out reaches the upstream without a token, "+
			"and in Caddy /orders does not cover /orders/1. Guard the whole site, and say with public what is open")
	}
	if choosesByToken(b.MatcherSetsRaw) {
		warnings = append(warnings, "the matcher of bearer_auth asks for the token that is still to be judged: unless another bearer_auth "+
			"stands before it, every request gets 500. Say with allow what a token must have")
	}
	return warnings
}

// words are the names that somebody could have joined by commas.
func (b *BearerAuth) words() []string {
	words := slices.Clone(b.Audience)
	for _, rule := range b.Rules {
		words = append(words, rule.Scope...)
	}
	return words
}

// opensTheRest says whether a rule lets everything pass without a token.
func opensTheRest(rule BearerRule) bool {
	return rule.Public && len(rule.Methods) == 0 && (rule.Path == "" || rule.Path == "*" || rule.Path == "/*")
}

// choosesByPath says whether a path decides which requests are guarded.
func choosesByPath(sets caddyhttp.RawMatcherSets) bool {
	return anyMatcher(sets, func(name string, raw []byte) bool {
		return name == "path" || name == "path_regexp" || name == "expression" && bytes.Contains(raw, []byte("path"))
	})
}

// choosesByToken says whether a token that is still to be judged does.
func choosesByToken(sets caddyhttp.RawMatcherSets) bool {
	return anyMatcher(sets, func(name string, raw []byte) bool {
		return strings.HasPrefix(name, "token_") || name == "expression" && bytes.Contains(raw, []byte("token_"))
	})
}

// anyMatcher says whether one of the matchers is meant, also inside `not`.
func anyMatcher(sets caddyhttp.RawMatcherSets, meant func(name string, raw []byte) bool) bool {
	for _, set := range sets {
		for name, raw := range set {
			var inner caddyhttp.RawMatcherSets
			if meant(name, raw) || name == "not" && json.Unmarshal(raw, &inner) == nil && anyMatcher(inner, meant) {
				return true
			}
		}
	}
	return false
}

// issuerWarnings names what is valid in the settings of a foreign issuer and yet
// weak. introspects says whether it is asked for tokens.
func issuerWarnings(f introspect.Foreign, introspects bool) []string {
	var warnings []string
	if introspects && !f.RequireAudience {
		warnings = append(warnings, "missing_audience allow: a token that says of no API that it is for it opens this one, "+
			"and so does one that another API got hold of. Make the issuer answer with aud")
	}
	if introspects && f.CacheTTL > longCache {
		warnings = append(warnings, fmt.Sprintf("introspection cache %s: a revoked token counts for so long. "+
			"1m spares the issuer nearly as many calls", f.CacheTTL))
	}
	if f.Refresh > rareRefresh {
		warnings = append(warnings, fmt.Sprintf("jwks refresh %s: a key that the issuer withdraws counts for so long. "+
			"One small request in 5m is no burden", f.Refresh))
	}
	if f.MaxStale > longMaxStale {
		warnings = append(warnings, fmt.Sprintf("jwks max_stale %s: while the issuer cannot be reached, a key that it has withdrawn counts for so long. "+
			"24h outlasts most outages", f.MaxStale))
	}
	return warnings
}

package introspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9110 §9.1, RFC 6750 §3.1

// Rule is one line of a route's ordered list.
type Rule struct {
	// Public lets the request pass without a token.
	Public bool
	// Methods it speaks of, in upper case as requests write them; empty means
	// any. GET does not imply HEAD.
	Methods []string
	// Path is a pattern of whole segments, written decoded and compared case
	// by case:
	//
	//	/orders    that path and no other
	//	/orders*   that path and everything below it: /orders, /orders/, /orders/7
	//	/orders/*  everything below it: /orders/, /orders/7
	//	*          any
	Path string
	// Scope are scope tokens, all of which the token must have; empty means any
	// valid token.
	Scope oauth.Scope
}

// Rules is a checked list. The first line that matches decides; what no line
// matches is denied, and an empty list allows any valid token.
type Rules struct {
	lines []line
	paths bool
}

type line struct {
	Rule
	path        pattern
	requirement *Requirement
}

// NewRules checks lines. warnings name lines that can never be reached.
func NewRules(lines []Rule) (rules *Rules, warnings []string, err error) {
	rules = &Rules{}
	for n, rule := range lines {
		path, err := parsePattern(rule.Path)
		if err == nil {
			err = rule.check()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("rule %d (%s): %w", n+1, rule, err)
		}
		if rules.covers(rule.Methods, path) {
			warnings = append(warnings, fmt.Sprintf("rule %d (%s) is never reached: earlier rules match all that it matches", n+1, rule))
		}
		rules.lines = append(rules.lines, line{rule, path, rule.requirement()})
		rules.paths = rules.paths || !path.any
	}
	return rules, warnings, nil
}

func (r Rule) check() error {
	if r.Public && len(r.Scope) > 0 {
		return errors.New("a public path asks for no token, so for no scope either: use allow")
	}
	for _, method := range r.Methods {
		if method == "" || strings.ContainsFunc(method, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("*,\"()/:;<=>?@[\\]{}", c) }) {
			return fmt.Errorf("%q is not a method", method)
		}
		if method != strings.ToUpper(method) {
			return fmt.Errorf("methods are case-sensitive: write %s", strings.ToUpper(method))
		}
	}
	for _, token := range r.Scope {
		if !oauth.ValidScopeToken(token) {
			return fmt.Errorf("%q is not a scope", token)
		}
	}
	return nil
}

// String is the line as an operator would write it.
func (r Rule) String() string {
	words := []string{"allow"}
	if r.Public {
		words[0] = "public"
	}
	if len(r.Methods) > 0 {
		words = append(words, strings.Join(r.Methods, ","))
	}
	words = append(words, r.Path)
	if len(r.Scope) > 0 {
		words = append(words, "scope", r.Scope.String())
	}
	return strings.Join(words, " ")
}

// Decision is what the rules say of one request.
type Decision int

const (
	// Deny means that no line matches.
	Deny Decision = iota
	// Public means to pass without a token.
	Public
	// Allow means to pass with any valid token that has the scope.
	Allow
)

// Decide finds the first line that matches a method and a decoded path.
//
// The requirement is what the line asks of the token; nil for nothing.
func (r *Rules) Decide(method, path string) (Decision, *Requirement) {
	if len(r.lines) == 0 {
		return Allow, nil
	}
	for n := range r.lines {
		line := &r.lines[n]
		if len(line.Methods) > 0 && !slices.Contains(line.Methods, method) || !line.path.matches(path) {
			continue
		}
		if line.Public {
			return Public, nil
		}
		return Allow, line.requirement
	}
	return Deny, nil
}

// HasPaths says whether any line speaks of a path: then ambiguous paths are
// refused (AmbiguousPath).
func (r *Rules) HasPaths() bool { return r.paths }

// covers says whether the lines so far match everything that another line with
// these methods and this path would.
func (r *Rules) covers(methods []string, path pattern) bool {
	if len(methods) == 0 {
		// Any method: only lines without methods can cover that.
		methods = []string{""}
	}
	for _, method := range methods {
		for _, part := range path.parts() {
			if !slices.ContainsFunc(r.lines, func(earlier line) bool {
				return (len(earlier.Methods) == 0 || slices.Contains(earlier.Methods, method)) && earlier.path.contains(part)
			}) {
				return false
			}
		}
	}
	return true
}

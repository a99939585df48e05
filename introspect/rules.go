package introspect

import (
	"fmt"
	"slices"
)

// Rules is a checked list. The first line that matches decides; what no line
// matches is denied, and an empty list allows any valid token.
type Rules struct {
	lines []line
	index ruleIndex
	paths bool
}

type line struct {
	Rule
	path        pattern
	requirement *Requirement
}

// NewRules checks lines. warnings name lines that can never be reached. What a
// line asks of the token does not matter for that: a request that the first
// line that matches refuses is refused.
func NewRules(lines []Rule) (rules *Rules, warnings []string, err error) {
	rules = &Rules{}
	for n, rule := range lines {
		path, requirement, err := rule.compile()
		if err != nil {
			return nil, nil, fmt.Errorf("rule %d (%s): %w", n+1, rule, err)
		}
		if rules.covers(rule.Methods, path) {
			warnings = append(warnings, fmt.Sprintf("rule %d (%s) is never reached: earlier rules match all that it matches", n+1, rule))
		}
		rules.index.add(len(rules.lines), path)
		rules.lines = append(rules.lines, line{rule, path, requirement})
		rules.paths = rules.paths || !path.any || requirement.judgesPath()
	}
	return rules, warnings, nil
}

// Decision is what the rules say of one request.
type Decision int

const (
	// Deny means that no line matches.
	Deny Decision = iota
	// Public means to pass without a token.
	Public
	// Allow means to pass with any valid token that meets the requirement.
	Allow
)

// Decide finds the first line that matches a method and a decoded path.
//
// The requirement is what the line asks of the token; nil for nothing.
func (r *Rules) Decide(method, path string) (Decision, *Requirement) {
	n := r.DecideLine(method, path)
	switch {
	case len(r.lines) == 0:
		return Allow, nil
	case n == 0:
		return Deny, nil
	case r.lines[n-1].Public:
		return Public, nil
	default:
		return Allow, r.lines[n-1].requirement
	}
}

// DecideLine gives the number of the line that Decide decides by, counted from
// 1; 0 when no line matches.
func (r *Rules) DecideLine(method, path string) (n int) {
	n = r.index.first(path, len(r.lines), func(n int) bool { return r.lines[n].speaksOf(method) })
	if n == len(r.lines) {
		return 0
	}
	return n + 1
}

func (l *line) speaksOf(method string) bool {
	return len(l.Methods) == 0 || slices.Contains(l.Methods, method)
}

// Describe is line n as an operator would write it; for 0, what holds where no
// line matches.
func (r *Rules) Describe(n int) string {
	switch {
	case n > 0 && n <= len(r.lines):
		return r.lines[n-1].String()
	case len(r.lines) == 0:
		return "no rules: any valid token passes"
	default:
		return "no rule matches"
	}
}

// HasPaths says whether any line, or the expression of one, speaks of a path: then
// ambiguous paths are refused (AmbiguousPath).
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
				return earlier.speaksOf(method) && earlier.path.contains(part)
			}) {
				return false
			}
		}
	}
	return true
}

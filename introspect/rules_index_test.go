package introspect

import (
	"slices"
	"testing"
)

// However lines are looked up, the first that matches decides.
func TestTheFirstLineThatMatchesDecides(t *testing.T) {
	state := uint64(1)
	below := func(n int) int { // of Knuth's generator
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	pick := func(from ...string) string { return from[below(len(from))] }
	segments := func(most int) (path string) {
		for range below(most + 1) {
			path += pick("/", "/a", "/ab", "/b")
		}
		return path
	}
	for range 3000 {
		var rules []Rule
		for range below(12) {
			rule := Rule{Path: "/" + pick("", "a", "ab", "a/", "a/b", "ab/a", "b/a/a") + pick("", "*"), Public: below(2) == 0}
			if below(10) == 0 {
				rule.Path = "*"
			}
			for range below(3) {
				rule.Methods = append(rule.Methods, pick("GET", "POST", "PUT"))
			}
			rules = append(rules, rule)
		}
		made, _, err := NewRules(rules)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			method, path := pick("GET", "POST", "HEAD"), segments(4)
			want := 1 + slices.IndexFunc(made.lines, func(l line) bool { return l.speaksOf(method) && l.path.matches(path) })
			if got := made.DecideLine(method, path); got != want {
				t.Fatalf("%s %q is decided by line %d, want %d, of %v", method, path, got, want, rules)
			}
		}
	}
}

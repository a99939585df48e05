package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// readPublic reads: public [<methods>] <paths...>.
func (b *BearerAuth) readPublic(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	var methods []string
	if len(args) > 1 && !strings.HasPrefix(args[0], "/") {
		methods, args = parseMethods(args[0]), args[1:]
	}
	if len(args) == 0 {
		return d.Err("public takes paths, as in: public /health")
	}
	for _, path := range args {
		if err := b.addRule(d, BearerRule{Public: true, Methods: methods, Path: path}); err != nil {
			return err
		}
	}
	return nil
}

// readAllow reads: allow <methods>|* <path>, and the conditions on the same line
// or in a block.
func (b *BearerAuth) readAllow(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 2 || strings.HasPrefix(args[0], "/") {
		return d.Err("allow takes methods and a path, as in: allow GET,HEAD /orders* scope orders:read")
	}
	rule := BearerRule{Methods: parseMethods(args[0]), Path: args[1]}
	var seen []string
	add := func(word string, values []string) error {
		if slices.Contains(seen, word) && word != "claim" {
			return d.Errf("allow %s %s has %s twice", args[0], args[1], word)
		}
		seen = append(seen, word)
		return rule.addCondition(d, word, values)
	}
	for rest := args[2:]; len(rest) > 0; {
		word := rest[0]
		if !slices.Contains(conditionWords, word) {
			return d.Errf("allow %s %s may be followed by %s, not by %q. Methods have commas between them, as in GET,HEAD, and each path has its own line",
				args[0], args[1], strings.Join(conditionWords, ", "), word)
		}
		values := conditionValues(rest)
		if err := add(word, values); err != nil {
			return err
		}
		rest = rest[1+len(values):]
	}
	at, outside := *d, len(seen) // errors of the rule as a whole are told at its first line
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if err := add(word, d.RemainingArgs()); err != nil {
			return err
		}
		if err := noBlock(d); err != nil {
			return err
		}
	}
	if len(seen) == outside && d.Line() != at.Line() {
		return d.Errf("the block of allow %s %s is empty: without conditions any valid token passes; leave the block out if that is meant", args[0], args[1])
	}
	return b.addRule(&at, rule)
}

// conditionWords begin the conditions of an allow.
var conditionWords = []string{"scope", "claim", "acr", "max_age", "expression"}

// conditionValues are the words of the first condition on a line: up to the word
// that begins the next one. The name of a claim may be any word.
func conditionValues(line []string) []string {
	end := 1
	if line[0] == "claim" && len(line) > 1 {
		end = 2
	}
	for end < len(line) && !slices.Contains(conditionWords, line[end]) {
		end++
	}
	return line[1:end]
}

// addCondition reads one condition.
func (r *BearerRule) addCondition(d *caddyfile.Dispenser, word string, values []string) error {
	switch word {
	case "scope":
		r.Scope, r.AnyScope = parseScopeWords(values)
		if len(r.Scope) == 0 {
			return d.Err("scope takes scope tokens, as in: scope orders:read, or: scope any orders:read orders:admin")
		}
	case "claim":
		if len(values) < 2 {
			return d.Err("claim takes the name of a claim and the values that will do, as in: claim realm_access.roles admin " +
				"(a value that is itself such a word as scope stands in the block of allow)")
		}
		r.Claims = append(r.Claims, ClaimCondition{Path: values[0], Values: values[1:]})
	case "acr":
		if len(values) == 0 {
			return d.Err("acr takes authentication context classes, as in: acr urn:example:phr")
		}
		r.ACR = values
	case "max_age":
		if len(values) != 1 {
			return d.Err("max_age takes one duration, as in: max_age 5m")
		}
		age, err := caddy.ParseDuration(values[0])
		if err != nil || age <= 0 {
			return d.Errf("%q is no duration such as 90s, 10m or 30d", values[0])
		}
		r.MaxAge = caddy.Duration(age)
	case "expression":
		if len(values) != 1 || values[0] == "" {
			return d.Err("expression takes one CEL expression in backticks, as in: expression `claims.level >= 3`")
		}
		r.Expression = values[0]
	default:
		return d.Errf("unrecognized allow option %q; there are %s", word, strings.Join(slices.Sorted(slices.Values(conditionWords)), ", "))
	}
	return nil
}

// parseScopeWords reads: [all|any] <tokens...>.
func parseScopeWords(words []string) (scope []string, any bool) {
	if len(words) > 0 && (words[0] == "all" || words[0] == "any") {
		return words[1:], words[0] == "any"
	}
	return words, false
}

// addRule checks a rule here, where its line is known.
func (b *BearerAuth) addRule(d *caddyfile.Dispenser, rule BearerRule) error {
	b.Rules = append(b.Rules, rule)
	if err := rule.line().Check(); err != nil {
		return d.Errf("rule %d (%s): %v", len(b.Rules), rule.line(), err)
	}
	return nil
}

// parseMethods reads methods joined by commas; * is all of them.
func parseMethods(text string) []string {
	if text == "*" {
		return nil
	}
	return strings.Split(text, ",")
}

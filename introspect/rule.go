package introspect

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 9110 §9.1, RFC 6750 §3.1, RFC 9470 §3

// Rule is one line of a route's ordered list: which requests it speaks of, and
// on what conditions they pass. All conditions must hold; without any, a valid
// token is enough.
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
	// Scope are scope tokens, all of which the token must have, or with AnyScope
	// one of them.
	Scope    oauth.Scope
	AnyScope bool
	// Claims are conditions on claims.
	Claims []ClaimCondition
	// ACR are authentication context classes, one of which the login must have
	// reached.
	ACR []string
	// MaxAge is how long ago the login may be, in whole seconds; 0 for no limit.
	MaxAge time.Duration
	// Expression is a CEL expression over claims and request; "" for none.
	Expression string
}

// Check finds what is wrong with a line by itself.
func (r Rule) Check() error {
	_, _, err := r.compile()
	return err
}

// compile makes of a line what is judged by; requirement is nil for nothing.
func (r Rule) compile() (path pattern, requirement *Requirement, err error) {
	if path, err = parsePattern(r.Path); err != nil {
		return path, nil, err
	}
	for _, check := range []func() error{r.checkMethods, r.checkScope, r.checkClaims, r.checkStepUp} {
		if err := check(); err != nil {
			return path, nil, err
		}
	}
	if !r.conditional() {
		return path, nil, nil
	}
	if r.Public {
		return path, nil, errors.New("a public path asks for no token, so for no scope and no claim either: use allow")
	}
	requirement = &Requirement{
		Scope: r.Scope, AnyScope: r.AnyScope, Claims: r.Claims, ACR: r.ACR, MaxAge: r.MaxAge, line: r.String(),
	}
	if r.Expression != "" {
		requirement.expression, err = compileExpression(r.Expression)
	}
	return path, requirement, err
}

// conditional says whether the line asks for more than a valid token.
func (r Rule) conditional() bool {
	return len(r.Scope)+len(r.Claims)+len(r.ACR) > 0 || r.MaxAge != 0 || r.Expression != ""
}

func (r Rule) checkMethods() error {
	for _, method := range r.Methods {
		if method == "" || strings.ContainsFunc(method, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("*,|\"()/:;<=>?@[\\]{}", c) }) {
			return fmt.Errorf("%q is not a method; several have commas between them, as in GET,HEAD", method)
		}
		if method != strings.ToUpper(method) {
			return fmt.Errorf("methods are case-sensitive: write %s", strings.ToUpper(method))
		}
	}
	return nil
}

func (r Rule) checkScope() error {
	for _, token := range r.Scope {
		if !oauth.ValidScopeToken(token) {
			return fmt.Errorf("%q is not a scope", token)
		}
	}
	if r.AnyScope && len(r.Scope) == 0 {
		return errors.New("any of no scope can never hold: name the scopes")
	}
	return nil
}

func (r Rule) checkClaims() error {
	for _, claim := range r.Claims {
		if err := claim.Check(); err != nil {
			return err
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
	switch {
	case len(r.Methods) > 0:
		words = append(words, strings.Join(r.Methods, ","))
	case !r.Public:
		words = append(words, "*")
	}
	words = append(words, r.Path)
	switch {
	case len(r.Scope) == 0:
	case r.AnyScope:
		words = append(append(words, "scope", "any"), r.Scope...)
	case r.Scope[0] == "any" || r.Scope[0] == "all":
		words = append(append(words, "scope", "all"), r.Scope...)
	default:
		words = append(append(words, "scope"), r.Scope...)
	}
	for _, claim := range r.Claims {
		words = append(append(words, "claim", quoted(claim.Path)), quotedAll(claim.Values)...)
	}
	if len(r.ACR) > 0 {
		words = append(append(words, "acr"), r.ACR...)
	}
	if r.MaxAge != 0 {
		words = append(words, "max_age", shortDuration(r.MaxAge))
	}
	if r.Expression != "" {
		words = append(words, "expression", "`"+r.Expression+"`")
	}
	return strings.Join(words, " ")
}

func quotedAll(words []string) []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = quoted(word)
	}
	return out
}

// quoted writes a word so that a Caddyfile reads it as one.
func quoted(word string) string {
	switch {
	case word != "" && !strings.ContainsAny(word, " \t\r\n\"`{}#"):
		return word
	case strings.Contains(word, "`"):
		return `"` + strings.ReplaceAll(word, `"`, `\"`) + `"`
	default:
		return "`" + word + "`"
	}
}

// shortDuration is 5m where time.Duration says 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return text
}

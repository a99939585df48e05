package oauth

import (
	"slices"
	"strings"
)

// RFC 6749 §3.3

// MaxScopes bounds how many scope tokens one request or token may carry.
const MaxScopes = 100

// Scope is a set of scope tokens in the order they were first named.
type Scope []string

// ParseScope reads the wire form: tokens separated by single spaces. The empty
// string is the empty scope. Order is kept, repeats are dropped. It refuses
// anything outside the grammar of RFC 6749 §3.3.
func ParseScope(wire string) (Scope, error) {
	if wire == "" {
		return nil, nil
	}
	spaces := strings.Count(wire, " ")
	if spaces >= MaxScopes {
		return nil, InvalidScope("The scope names too many values.")
	}
	scope := make(Scope, 0, spaces+1)
	for token := range strings.SplitSeq(wire, " ") {
		if !ValidScopeToken(token) {
			return nil, InvalidScope("The scope is malformed: values are separated by single spaces.")
		}
		if !slices.Contains(scope, token) {
			scope = append(scope, token)
		}
	}
	return scope, nil
}

// ValidScopeToken says whether token is one scope-token:
// 1*( %x21 / %x23-5B / %x5D-7E ).
func ValidScopeToken(token string) bool {
	for i := range len(token) {
		if c := token[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return token != ""
}

// String is the wire form.
func (s Scope) String() string { return strings.Join(s, " ") }

// Has says whether the scope names token.
func (s Scope) Has(token string) bool { return slices.Contains(s, token) }

// Within says whether every token of s is in allowed.
func (s Scope) Within(allowed Scope) bool {
	for _, token := range s {
		if !allowed.Has(token) {
			return false
		}
	}
	return true
}

// RequestedScope decides what a request asks for: what it names, or the
// defaults when it names nothing. It is an error to name a scope that is not
// allowed, and to have nothing at all to grant (RFC 6749 §3.3).
func RequestedScope(wire string, allowed, defaults Scope) (Scope, error) {
	scope, err := ParseScope(wire)
	if err != nil {
		return nil, err
	}
	if len(scope) == 0 {
		scope = defaults
	}
	if len(scope) == 0 {
		return nil, InvalidScope("No scope requested and no default scope configured.")
	}
	if !scope.Within(allowed) {
		return nil, InvalidScope("The client may not request one of these scopes.")
	}
	return scope, nil
}

// NarrowedScope decides the scope of a refreshed access token: the granted
// one, or the part of it that the request names (RFC 6749 §6).
func NarrowedScope(wire string, granted Scope) (Scope, error) {
	scope, err := ParseScope(wire)
	if err != nil {
		return nil, err
	}
	if len(scope) == 0 {
		return granted, nil
	}
	if !scope.Within(granted) {
		return nil, InvalidScope("The scope is wider than what was granted.")
	}
	return scope, nil
}

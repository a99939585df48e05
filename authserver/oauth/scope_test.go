package oauth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

func TestParseScope(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " s%d", i)
		}
		return b.String()[1:]
	}
	for _, test := range []struct {
		name, wire, want, code string
	}{
		{"nothing", "", "", ""},
		{"one", "write", "write", ""},
		{"order is kept", "write openid", "write openid", ""},
		{"repeats are dropped", "a b a", "a b", ""},
		{"case counts", "a A", "a A", ""},
		{"every allowed character", "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", "!#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", ""},
		{"as many as may be", many(oauth.MaxScopes), many(oauth.MaxScopes), ""},
		{"too many", many(oauth.MaxScopes + 1), "", oauth.CodeInvalidScope},
		{"leading space", " a", "", oauth.CodeInvalidScope},
		{"trailing space", "a ", "", oauth.CodeInvalidScope},
		{"two spaces", "a  b", "", oauth.CodeInvalidScope},
		{"only a space", " ", "", oauth.CodeInvalidScope},
		{"tab", "a\tb", "", oauth.CodeInvalidScope},
		{"line break", "a\nb", "", oauth.CodeInvalidScope},
		{"quote", `a"b`, "", oauth.CodeInvalidScope},
		{"backslash", `a\b`, "", oauth.CodeInvalidScope},
		{"beyond ASCII", "é", "", oauth.CodeInvalidScope},
		{"DEL", "\x7f", "", oauth.CodeInvalidScope},
	} {
		t.Run(test.name, func(t *testing.T) {
			scope, err := oauth.ParseScope(test.wire)
			wantCode(t, err, test.code)
			if scope.String() != test.want {
				t.Errorf("got %q, want %q", scope, test.want)
			}
		})
	}
}

func TestAS33_RequestedScopeIsWithinTheClients(t *testing.T) {
	allowed, defaults := oauth.Scope{"openid", "read", "write"}, oauth.Scope{"read"}
	for _, test := range []struct {
		name, wire string
		defaults   oauth.Scope
		want, code string
	}{
		{"what is asked", "write openid", defaults, "write openid", ""},
		{"nothing asked gives the defaults", "", defaults, "read", ""},
		{"nothing asked, no defaults", "", nil, "", oauth.CodeInvalidScope},
		{"an unlisted one", "read admin", defaults, "", oauth.CodeInvalidScope},
		{"case counts", "Read", defaults, "", oauth.CodeInvalidScope},
		{"malformed", "read  write", defaults, "", oauth.CodeInvalidScope},
		{"defaults that are not allowed", "", oauth.Scope{"admin"}, "", oauth.CodeInvalidScope},
	} {
		t.Run(test.name, func(t *testing.T) {
			scope, err := oauth.RequestedScope(test.wire, allowed, test.defaults)
			wantCode(t, err, test.code)
			if scope.String() != test.want {
				t.Errorf("got %q, want %q", scope, test.want)
			}
		})
	}
}

func TestAS33_NarrowedScopeNeverWidens(t *testing.T) {
	granted := oauth.Scope{"openid", "read"}
	for _, test := range []struct{ wire, want, code string }{
		{"", "openid read", ""},
		{"read", "read", ""},
		{"read openid", "read openid", ""},
		{"read write", "", oauth.CodeInvalidScope},
		{"write", "", oauth.CodeInvalidScope},
		{`"`, "", oauth.CodeInvalidScope},
	} {
		scope, err := oauth.NarrowedScope(test.wire, granted)
		wantCode(t, err, test.code)
		if scope.String() != test.want {
			t.Errorf("%q: got %q, want %q", test.wire, scope, test.want)
		}
	}
}

func TestScopeWithin(t *testing.T) {
	for _, test := range []struct {
		inner, outer oauth.Scope
		want         bool
	}{
		{nil, nil, true},
		{nil, oauth.Scope{"a"}, true},
		{oauth.Scope{"a"}, oauth.Scope{"b", "a"}, true},
		{oauth.Scope{"a", "b"}, oauth.Scope{"a"}, false},
		{oauth.Scope{"a"}, nil, false},
	} {
		if got := test.inner.Within(test.outer); got != test.want {
			t.Errorf("%q within %q: %v", test.inner, test.outer, got)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	for _, seed := range []string{"", "openid profile", "a a", " a", "a  b", `a"`, "é", "a\x00", strings.Repeat("a ", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		scope, err := oauth.ParseScope(wire)
		if err != nil {
			wantCode(t, err, oauth.CodeInvalidScope)
			return
		}
		if len(scope) > oauth.MaxScopes {
			t.Errorf("%d scopes", len(scope))
		}
		for i, token := range scope {
			if !oauth.ValidScopeToken(token) || slices.Contains(scope[:i], token) {
				t.Errorf("%q gave %q", wire, token)
			}
			if !slices.Contains(strings.Split(wire, " "), token) {
				t.Errorf("%q does not name %q", wire, token)
			}
		}
		again, err := oauth.ParseScope(scope.String())
		if err != nil || !slices.Equal(again, scope) {
			t.Errorf("%q reads as %q and then as %q (%v)", wire, scope, again, err)
		}
	})
}

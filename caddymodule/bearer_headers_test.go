package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// foldSlowly is the rule in other words: what a CGI gateway makes of a name.
func foldSlowly(name string) string {
	return strings.Map(func(c rune) rune {
		if c < 128 && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
			return unicode.ToLower(c)
		}
		return '-'
	}, name)
}

func FuzzGuardFoldsNames(f *testing.F) {
	for _, name := range []string{
		"X-Auth-Subject", "x_auth_subject", "X.Auth.Subject", "X-Auth_Subject", "X-Auth-Subjec", "X--Auth-Subject",
		"X-Auth-Subject ", "X\u017fAuth", "K\u212aelvin", "", "Proxy", "pROXY", "X-Auth-Client-Id",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ToValidUTF8(name, "") != name || strings.ContainsFunc(name, func(c rune) bool { return c > 127 }) {
			return // no header name: net/http lets none in
		}
		want := false
		for _, guarded := range identityGuard {
			want = want || foldSlowly(name) == guarded
		}
		if got := identityGuard.has(name); got != want {
			t.Errorf("%q guarded: %v, want %v", name, got, want)
		}
		h := http.Header{name: {"x"}, "Accept": {"y"}}
		identityGuard.strip(h)
		if _, left := h[name]; left == want && name != "Accept" {
			t.Errorf("%q is left: %v", name, left)
		}
		if foldSlowly(name) != "accept" && h["Accept"] == nil {
			t.Error("strip took an honest header")
		}
	})
}

func FuzzStripConnection(f *testing.F) {
	for _, value := range []string{"close", "close, X-Auth-Subject", "x_auth_subject", " ,, X.Auth.Scope ,upgrade", "dpop", "X-Tenant", ""} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"Connection": {value}, "Authorization": {"Bearer x"}, "Dpop": {"proof"}, "X-Tenant": {"forged"}}
		stripConnection(h)
		for name := range strings.SplitSeq(h.Get("Connection"), ",") {
			switch strings.ToLower(strings.Trim(name, " \t")) {
			case "", "close", "keep-alive", "upgrade", "te":
			default:
				t.Errorf("%q leaves %q", value, h.Get("Connection"))
			}
		}
		if h["Authorization"] == nil || h["Dpop"] == nil {
			t.Errorf("%q took credentials off", value)
		}
		if named := strings.Contains(strings.ToLower(value), "x-tenant"); !named && h["X-Tenant"] == nil {
			t.Errorf("%q took off what it does not name", value)
		}
	})
}

// What a client names is taken off before other handlers can put one of that
// name on, and nothing behind us can be told to take theirs off.
func TestG58_ConnectionCannotTakeOffWhatOthersPutOn(t *testing.T) {
	h := http.Header{"Connection": {"close, X-Tenant", "x-user,Upgrade"}, "X-Tenant": {"forged"}, "X-User": {"forged"}, "X-Other": {"kept"}}
	stripConnection(h)
	want := http.Header{"Connection": {"close, Upgrade"}, "X-Other": {"kept"}}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("%v, want %v", h, want)
	}
}

func TestRS18_IdentityHeadersAreBoundedTogether(t *testing.T) {
	long := strings.Repeat("x", maxIdentityValue)
	none := identityHeaders(nil)
	two := identityHeaders{
		(&BearerHeader{Name: "X-One", Value: "{http.auth.token.one}"}).mapped(),
		(&BearerHeader{Name: "X-Two", Value: "{http.auth.token.two}"}).mapped(),
	}
	for name, test := range map[string]struct {
		headers identityHeaders
		token   introspect.Token
		ok      bool
	}{
		"one at its bound":       {none, introspect.Token{Subject: long}, true},
		"one over its bound":     {none, introspect.Token{Subject: long + "x"}, false},
		"two at their bounds":    {none, introspect.Token{Subject: long, ClientID: long}, true},
		"together over it":       {none, introspect.Token{Subject: long, ClientID: long, Issuer: "x"}, false},
		"over it once encoded":   {none, introspect.Token{Subject: strings.Repeat("%", maxIdentityValue/2)}, false},
		"a line break somewhere": {none, introspect.Token{Subject: "x", Issuer: "a\nb"}, false},
		"mapped at their bounds": {two, introspect.Token{Claims: introspect.ClaimsOf(map[string]any{"one": long, "two": long})}, true},
		"mapped ones count too":  {two, introspect.Token{Subject: "x", Claims: introspect.ClaimsOf(map[string]any{"one": long, "two": long})}, false},
		"mapped over its bound":  {two, introspect.Token{Claims: introspect.ClaimsOf(map[string]any{"one": long + "x"})}, false},
	} {
		b := &BearerAuth{upstream: upstream{headers: test.headers}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if refused := b.hand(r, new(identity), &test.token); (refused == nil) != test.ok {
			t.Errorf("%s: %v, want %v", name, refused, test.ok)
		}
		if !test.ok && len(r.Header) > 0 {
			t.Errorf("%s: %d headers were set all the same", name, len(r.Header))
		}
	}
}

func TestTheCachedPathOfHeadersAllocatesOneSlice(t *testing.T) {
	token := cached(t, introspect.Token{
		Subject: "frida", ClientID: "shop", Scope: []string{"read"}, Claims: introspect.ClaimsOf(map[string]any{"roles": []any{"a", "b"}}),
	})
	mapped := identityHeaders{(&BearerHeader{Name: "X-Roles", Value: "{http.auth.token.roles}", As: "csv"}).mapped()}
	for name, b := range map[string]*BearerAuth{
		"standard": {upstream: upstream{route: 1, guard: identityGuard}},
		"mapped":   {upstream: upstream{route: 2, guard: append(newGuard("X-Roles"), identityGuard...), headers: mapped}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{"Accept": {"*/*"}, "Connection": {"keep-alive"}, "User-Agent": {"x"}}
		allocations := testing.AllocsPerRun(100, func() {
			b.upstream.guard.stripForged(r)
			_ = b.hand(r, new(identity), token)
		})
		if allocations > 1 {
			t.Errorf("%s: %v allocations, want 1", name, allocations)
		}
	}
}

// RS17: what one bearer_auth has put on a request stays as it is when another
// further down puts on its own, and when a handler changes a header in place.
func TestRS17_HeadersOfTwoBearerAuthsShareNothing(t *testing.T) {
	first := &BearerAuth{upstream: upstream{route: 1, headers: identityHeaders{(&BearerHeader{Name: "X-Roles", Value: "{http.auth.token.roles}"}).mapped()}}}
	second := &BearerAuth{upstream: upstream{route: 2}}
	token := cached(t, introspect.Token{Subject: "frida", Claims: introspect.ClaimsOf(map[string]any{"roles": "reader"})})
	for range 2 {
		r, id := httptest.NewRequest(http.MethodGet, "/", nil), new(identity)
		_ = first.hand(r, id, token)
		kept := r.Header[headerSubject]
		_ = second.hand(r, id, &introspect.Token{Subject: "root", ClientID: "root", Issuer: "root", Scope: []string{"root"}})
		if kept[0] != "frida" || r.Header.Get("X-Roles") != "reader" || r.Header.Get(headerSubject) != "root" {
			t.Errorf("%q became %v", kept, r.Header)
		}
		kept[0], r.Header["X-Roles"][0], r.Header[headerSubject][0] = "changed", "changed", "changed"
	}
}

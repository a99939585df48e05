package caddymodule

import (
	"net/http"
	"net/url"
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

// RS18: a value is one header value that HTTP carries unchanged, and two claims
// never become the same one.
func FuzzHeaderValue(f *testing.F) {
	for _, claim := range []string{"frida", "josé", "100%", " a ", "a b", "\t", "a\r\nb", "\x00", "\x7f", "\xff", strings.Repeat("é", 3000)} {
		f.Add(claim)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		value, ok := headerValue(claim)
		if refused := strings.ContainsAny(claim, "\r\n\x00"); refused && ok {
			t.Fatalf("%q passes", claim)
		} else if !ok {
			if !refused && 3*len(claim) <= maxIdentityValue {
				t.Fatalf("%q is refused", claim)
			}
			return
		}
		if len(value) > maxIdentityValue {
			t.Errorf("%d bytes", len(value))
		}
		if strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
			t.Errorf("%q becomes %q", claim, value)
		}
		if back, err := url.PathUnescape(value); err != nil || back != claim {
			t.Errorf("%q becomes %q, which reads %q", claim, value, back)
		}
	})
}

func TestRS18_IdentityHeadersAreBoundedTogether(t *testing.T) {
	long := strings.Repeat("x", maxIdentityValue)
	for name, test := range map[string]struct {
		token introspect.Token
		ok    bool
	}{
		"one at its bound":       {introspect.Token{Subject: long}, true},
		"one over its bound":     {introspect.Token{Subject: long + "x"}, false},
		"two at their bounds":    {introspect.Token{Subject: long, ClientID: long}, true},
		"together over it":       {introspect.Token{Subject: long, ClientID: long, Issuer: "x"}, false},
		"over it once encoded":   {introspect.Token{Subject: strings.Repeat("%", maxIdentityValue/2)}, false},
		"a line break somewhere": {introspect.Token{Subject: "x", Issuer: "a\nb"}, false},
	} {
		h := http.Header{}
		if ok := setIdentity(h, &test.token); ok != test.ok {
			t.Errorf("%s: %v, want %v", name, ok, test.ok)
		}
		if !test.ok && len(h) > 0 {
			t.Errorf("%s: %d headers were set all the same", name, len(h))
		}
	}
}

func TestTheCachedPathOfHeadersAllocatesOneSlice(t *testing.T) {
	token := &introspect.Token{Subject: "frida", ClientID: "shop", Scope: []string{"read"}, Issuer: "https://idp.test"}
	h := http.Header{"Accept": {"*/*"}, "Connection": {"keep-alive"}, "User-Agent": {"x"}}
	allocations := testing.AllocsPerRun(100, func() {
		identityGuard.strip(h)
		stripConnection(h)
		setIdentity(h, token)
	})
	if allocations > 1 {
		t.Errorf("%v allocations, want 1", allocations)
	}
}

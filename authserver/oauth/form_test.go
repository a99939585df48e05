package oauth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// wantCode fails unless err is the protocol error of a code ("" for none).
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *oauth.Error
	switch {
	case code == "" && err != nil:
		t.Errorf("refused: %v", err)
	case code != "" && !errors.As(err, &e):
		t.Errorf("got %v, want %s", err, code)
	case code != "" && e.Code != code:
		t.Errorf("got %v, want %s", err, code)
	}
}

func mustForm(t *testing.T, text string, repeatable ...string) oauth.Form {
	t.Helper()
	form, err := oauth.ParseForm(text, repeatable...)
	if err != nil {
		t.Fatalf("ParseForm(%q): %v", text, err)
	}
	return form
}

func TestParseForm(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string]string
	}{
		{"nothing", "", nil},
		{"one", "a=1", map[string]string{"a": "1"}},
		{"two", "a=1&b=2", map[string]string{"a": "1", "b": "2"}},
		{"plus is a space", "scope=openid+profile", map[string]string{"scope": "openid profile"}},
		{"escapes", "a=%C3%A9%26%3D%2B", map[string]string{"a": "é&=+"}},
		{"escaped name", "client%5Fid=x", map[string]string{"client_id": "x"}},
		{"equals sign in a value", "a=b=c", map[string]string{"a": "b=c"}},
		{"empty pairs", "&a=1&&b=2&", map[string]string{"a": "1", "b": "2"}},
		{"case counts", "A=1&a=2", map[string]string{"A": "1", "a": "2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			form := mustForm(t, test.text)
			for name, want := range test.want {
				if got := form.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if names := slices.Collect(maps.Keys(test.want)); !form.Only(names...) {
				t.Errorf("%v holds more than %v", form, names)
			}
		})
	}
}

func TestA39_FormRefusesWhatItCannotReadOneWay(t *testing.T) {
	for name, text := range map[string]string{
		"bad escape":            "a=%",
		"half an escape":        "a=%4",
		"no hex":                "a=%zz",
		"bad escape in a name":  "%=1",
		"invalid UTF-8":         "a=%FF",
		"overlong UTF-8":        "a=%C0%AF",
		"surrogate in UTF-8":    "a=%ED%A0%80",
		"raw invalid UTF-8":     "a=\xff",
		"NUL":                   "a=1%002",
		"raw NUL":               "a=1\x002",
		"NUL in a name":         "a%00=1",
		"semicolon as a divide": "a=1;b=2",
		"too many parameters":   strings.Repeat("a&", oauth.MaxFormParameters),
		"too large":             "a=" + strings.Repeat("x", oauth.MaxFormBytes),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oauth.ParseForm(text)
			wantCode(t, err, oauth.CodeInvalidRequest)
		})
	}
	t.Run("at the bounds", func(t *testing.T) {
		mustForm(t, "a="+strings.Repeat("x", oauth.MaxFormBytes-2))
		mustForm(t, strings.Repeat("&", oauth.MaxFormParameters-1))
	})
}

func TestA39_EmptyValueIsOmittedAndUnknownParameterIgnored(t *testing.T) {
	form := mustForm(t, "scope=&redirect_uri&x=y")
	if form.Has("scope") || form.Has("redirect_uri") || form.Get("scope") != "" {
		t.Errorf("%v has a parameter that was sent without a value", form)
	}
	if !form.Has("x") || form.Only("scope") || !form.Only("x", "scope") {
		t.Errorf("%v does not hold x alone", form)
	}
}

func TestAS18_A36_RepeatedParameterIsRefused(t *testing.T) {
	for _, text := range []string{
		"code=a&code=b",
		"code=a&code=a",
		"code=&code=a",
		"code=a&code",
		"client_id=a&client%5Fid=b",
		"unknown=1&unknown=2",
	} {
		_, err := oauth.ParseForm(text, "resource")
		wantCode(t, err, oauth.CodeInvalidRequest)
	}
	t.Run("but for a repeatable one", func(t *testing.T) {
		form := mustForm(t, "resource=https://a&resource=https://b&resource=", "resource")
		if got := form.List("resource"); !slices.Equal(got, []string{"https://a", "https://b"}) {
			t.Errorf("resource = %q", got)
		}
		_, err := oauth.ParseForm("resource=https://a&resource=https://b")
		wantCode(t, err, oauth.CodeInvalidRequest)
	})
}

func TestFormCopies(t *testing.T) {
	form := mustForm(t, "a=1&b=2&c=3&r=x&r=y", "r")
	if got := form.Encode("r", "a", "missing"); got != "a=1&r=x&r=y" {
		t.Errorf("Encode = %q", got)
	}
	kept := form.Keep("b", "r", "missing")
	if !kept.Only("b", "r") || kept.Get("b") != "2" || len(kept.List("r")) != 2 || kept.Has("missing") {
		t.Errorf("Keep = %v", kept)
	}
	changed := form.With("a", "9").With("b", "").With("d", "4")
	if changed.Get("a") != "9" || changed.Has("b") || changed.Get("d") != "4" || changed.Get("c") != "3" {
		t.Errorf("With = %q", changed.Encode("a", "b", "c", "d"))
	}
	if form.Get("a") != "1" || form.Get("b") != "2" || form.Has("d") {
		t.Errorf("the original changed: %q", form.Encode("a", "b", "d"))
	}
	form.List("r")[0] = "changed"
	if form.Get("r") != "x" {
		t.Error("List gives the form's own slice away")
	}
}

func TestFormShowsNamesOnly(t *testing.T) {
	form := mustForm(t, "password=hunter2&username=demo")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("form", "form", form)
	holder := struct{ inner oauth.Form }{form}
	for _, shown := range []string{
		fmt.Sprint(form), fmt.Sprintf("%v %+v %#v %s", form, form, form, form), form.String(), log.String(),
	} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, "demo") || !strings.Contains(shown, "password") {
			t.Errorf("%q, want names without values", shown)
		}
	}
	if shown := fmt.Sprintf("%+v", holder); strings.Contains(shown, "hunter2") {
		t.Errorf("inside another value it shows %q", shown)
	}
	if got := form.Secret("password"); got.Reveal() != "hunter2" {
		t.Error("Secret lost the value")
	}
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=1&b=2", "a=1&a=2", "resource=x&resource=y", "a=%FF", "a=%", "a;b", "=x&=y", "&&&", "a=%00",
		"grant_type=authorization_code&code=oac_00&redirect_uri=https%3A%2F%2Fa%2Fcb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := oauth.ParseForm(text, "resource")
		if err != nil {
			wantCode(t, err, oauth.CodeInvalidRequest)
			return
		}
		// What we read, the standard library reads alike.
		values, err := url.ParseQuery(text)
		if err != nil {
			t.Fatalf("%q was read, and net/url says %v", text, err)
		}
		var names []string
		for name, list := range values {
			names = append(names, name)
			if name != "resource" && len(list) > 1 {
				t.Errorf("%q: %q is repeated", text, name)
			}
			if got := form.Get(name); name != "resource" && got != list[0] {
				t.Errorf("%q: %q = %q, net/url says %q", text, name, got, list[0])
			}
			if !utf8.ValidString(name) || !utf8.ValidString(form.Get(name)) {
				t.Errorf("%q gave invalid UTF-8", text)
			}
		}
		if !form.Only(names...) {
			t.Errorf("%q: %v holds names that are not there", text, form)
		}
		again, err := oauth.ParseForm(form.Encode(names...), "resource")
		if err != nil || again.Encode(names...) != form.Encode(names...) {
			t.Errorf("%q does not survive encoding: %v", text, err)
		}
	})
}

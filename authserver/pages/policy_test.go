package pages_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

func TestPG1_NothingInlineAndNothingFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, name string, page pages.Page, answer *httptest.ResponseRecorder) {
		policy := directives(answer)
		for directive, want := range map[string]string{
			"default-src": "'none'", "style-src": "'self'", "img-src": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
			"require-trusted-types-for": "'script'", "trusted-types": "'none'",
		} {
			if policy[directive] != want {
				t.Errorf("%s: %s is %q, want %q", name, directive, policy[directive], want)
			}
		}
		for _, element := range elements(t, answer, "*") {
			if slices.Contains([]string{"style", "base", "iframe", "object", "embed"}, element.Data) {
				t.Errorf("%s: has a <%s>", name, element.Data)
			}
			for _, a := range element.Attr {
				switch value := strings.ToLower(a.Val); {
				case strings.HasPrefix(a.Key, "on") || a.Key == "style":
					t.Errorf("%s: <%s> has the attribute %s", name, element.Data, a.Key)
				case a.Key == "src" && !strings.HasPrefix(value, "/oauth2/pages/"):
					t.Errorf("%s: <%s> loads %s", name, element.Data, a.Val)
				case (a.Key == "href" || a.Key == "action") && strings.HasPrefix(strings.TrimSpace(value), "javascript:"):
					t.Errorf("%s: <%s> has the address %s", name, element.Data, a.Val)
				}
			}
		}
	})
}

// PG14: a page has a script only where nothing works without it, or to save a click.
func TestPG14_ScriptsOnlyWhereTheyAreNeeded(t *testing.T) {
	each(t, func(t *testing.T, name string, page pages.Page, answer *httptest.ResponseRecorder) {
		want := ""
		switch page := page.(type) {
		case pages.FormPost:
			want = "submit.js"
		case pages.EnrolPasskey:
			want = "passkey.js"
		case pages.Login:
			if page.Passkey != "" {
				want = "passkey.js"
			}
		case pages.Factor:
			if page.Passkey != "" {
				want = "passkey.js"
			}
		}
		scripts := elements(t, answer, "script")
		source, allowed := directives(answer)["script-src"]
		switch {
		case want == "" && (len(scripts) > 0 || allowed):
			t.Errorf("%s: has a script, or may: %q", name, source)
		case want != "" && (len(scripts) != 1 || source != "'self'" || !strings.Contains(attribute(scripts[0], "src"), want) || text(scripts[0]) != ""):
			t.Errorf("%s: %d scripts, script-src %q; want %s alone", name, len(scripts), source, want)
		}
	})
}

func TestPG1_FormActionNamesWhereTheBrowserMayGo(t *testing.T) {
	for _, test := range []struct{ target, want string }{
		{"https://app.test", "'self' https:"},
		{"https://app.test:8443", "'self' https:"}, // it may redirect on to another origin of theirs
		{"http://127.0.0.1:51004", "'self' http://localhost:* http://127.0.0.1:*"},
		{"http://127.0.0.2:51004", "'self' http://127.0.0.2:51004"},
		{"http://[::1]:51004", "'self' http:"}, // no source expression can name an IPv6 address
		{"com.example.app:", "'self' com.example.app:"},
		{"com.example.app://cb", "'self' com.example.app:"},
		{"http://*", "'self'"},
		{"http://127.0.0.1;script-src *", "'self'"},
		{"http://127.0.0.1 *", "'self'"},
		{"https://app.test;script-src *", "'self' https:"},
		{"x;script-src *:", "'self'"},
		{"", "'self'"},
	} {
		answer := show(t, http.StatusOK, pages.Login{Form: pages.Form{FormTarget: test.target}})
		if got := directives(answer)["form-action"]; got != test.want {
			t.Errorf("target %q: form-action is %q, want %q", test.target, got, test.want)
		}
	}
}

// The form of a service leads to another site, also where nothing waits on the web:
// the account page, an app.
func TestPG1_FormActionLetsServicesSignInElsewhere(t *testing.T) {
	const elsewhere = "'self' https: http://localhost:* http://127.0.0.1:*"
	for target, want := range map[string]string{
		"": elsewhere, "https://app.test": elsewhere, "com.example.app:": elsewhere + " com.example.app:",
	} {
		page := pages.Login{Form: pages.Form{FormTarget: target}, Services: []pages.Choice{{Name: "corp", Label: "Example Inc."}}}
		if got := directives(show(t, http.StatusOK, page))["form-action"]; got != want {
			t.Errorf("target %q: form-action is %q, want %q", target, got, want)
		}
	}
}

func TestPG2_SecurityHeadersOnEveryPage(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		for header, want := range map[string]string{
			"Content-Type":               "text/html; charset=utf-8",
			"X-Frame-Options":            "DENY",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Content-Language":           name[:2],
		} {
			if got := answer.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if answer.Header().Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", name)
		}
	})
}

func TestPG21_NoPageIsStored(t *testing.T) {
	each(t, func(t *testing.T, name string, _ pages.Page, answer *httptest.ResponseRecorder) {
		if got := answer.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
	})
}

// CL10: what a stranger wrote is shown as text: the elements of a page are the
// same whatever its values.
func TestCL10_TextFromOutsideIsEscaped(t *testing.T) {
	p := newPages(t, pages.Look{})
	for name, page := range hostilePages() {
		for _, lang := range languages {
			answer := showIn(p, lang, http.StatusOK, page)
			if strings.Contains(answer.Body.String(), "<script>alert") || strings.Contains(answer.Body.String(), "<img src=x") {
				t.Errorf("%s in %s: an element of a stranger came through", name, lang)
			}
		}
	}
	for _, name := range []string{"login", "consent", "account", "sign_out", "factor", "password"} {
		if body := elements(t, showIn(p, "en", http.StatusOK, hostilePages()[name]), "body")[0]; !strings.Contains(text(body), hostile) {
			t.Errorf("%s: the text is not shown as it is", name)
		}
	}
}

func TestPG11_FormsPostToTheirOwnAddressWithTheirToken(t *testing.T) {
	each(t, func(t *testing.T, name string, page pages.Page, answer *httptest.ResponseRecorder) {
		if _, leaves := page.(pages.FormPost); leaves {
			return
		}
		for _, form := range elements(t, answer, "form") {
			if _, there := lookup(form, "action"); there || attribute(form, "method") != "post" {
				t.Errorf("%s: form is %v, want a post without an action", name, form.Attr)
			}
			if !slices.ContainsFunc(below(form, "input"), func(n *html.Node) bool {
				return attribute(n, "name") == "form_token" && attribute(n, "value") != ""
			}) {
				t.Errorf("%s: a form has no token", name)
			}
		}
	})
}

func TestPG12_FormPostEscapesAndNeedsNoScript(t *testing.T) {
	answer := show(t, http.StatusOK, hostilePages()["formpost"])
	form := elements(t, answer, "form")[0]
	if got := attribute(form, "action"); got != "https://app.test/cb?a=1&b=%20" {
		t.Errorf("action is %q", got)
	}
	got := map[string]string{}
	for _, input := range elements(t, answer, "input") {
		got[attribute(input, "name")] = attribute(input, "value")
	}
	if len(got) != 2 || got["code"] != "c" || got["state"] != hostile {
		t.Errorf("fields are %q", got)
	}
	if len(elements(t, answer, "button")) != 1 {
		t.Error("there is no button for browsers without scripts")
	}
	if got := directives(answer)["form-action"]; got != "https:" {
		t.Errorf("form-action is %q", got)
	}
}

func TestPG12_FormPostRefusesOtherSchemes(t *testing.T) {
	answer := show(t, http.StatusOK, pages.FormPost{RedirectURI: "javascript:alert(1)"})
	if got := attribute(elements(t, answer, "form")[0], "action"); strings.HasPrefix(got, "javascript:") {
		t.Errorf("action is %q", got)
	}
}

func TestSignedOutLeadsWhereBrowsersMayGo(t *testing.T) {
	for to, want := range map[string]bool{
		"https://app.test/bye": true, "http://127.0.0.1/bye": true, "com.example.app:/bye": true,
		"javascript:alert(1)": false, "data:text/html,x": false, "bye": false, "": false, "a.b;c:x": false,
	} {
		answer := show(t, http.StatusOK, pages.SignedOut{ReturnTo: to})
		links := below(elements(t, answer, "main")[0], "a")
		if (len(links) == 1) != want || want && attribute(links[0], "href") != to {
			t.Errorf("%q: %d links", to, len(links))
		}
	}
}

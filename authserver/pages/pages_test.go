package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

const hostile = `"><script>alert(1)</script>&#x27;{{.}}`

// write answers with a page of a plain look.
func write(w http.ResponseWriter, status int, page pages.Page) {
	p, err := pages.New(pages.Look{}, "https://auth.test/oauth2")
	if err != nil {
		panic(err)
	}
	p.Write(w, p.Language("", nil), status, page)
}

// everyPage is each page once, with hostile text wherever text can come from
// outside.
func everyPage() map[string]*httptest.ResponseRecorder {
	record := func(write func(http.ResponseWriter)) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		write(recorder)
		return recorder
	}
	return map[string]*httptest.ResponseRecorder{
		"login": record(func(w http.ResponseWriter) {
			write(w, http.StatusForbidden, pages.Login{
				Form:       pages.Form{Message: pages.WrongCredentials, FormToken: oauth.NewSecret("form-token"), FormTarget: "https://app.test"},
				ClientName: hostile, Username: hostile,
			})
		}),
		"consent": record(func(w http.ResponseWriter) {
			write(w, http.StatusOK, pages.Consent{
				ClientName: hostile, Account: hostile, RedirectOrigin: "https://app.test",
				Scopes: []string{"openid", "orders:read", hostile}, Claims: []string{hostile},
				FormToken: oauth.NewSecret("form-token"),
			})
		}),
		"error": record(func(w http.ResponseWriter) {
			write(w, http.StatusBadRequest, pages.Failure{Message: pages.CannotAnswer, Detail: "Unknown client."})
		}),
		"form_post": record(func(w http.ResponseWriter) {
			write(w, http.StatusOK, pages.FormPost{RedirectURI: "https://app.test/cb?a=1&b=%20", Parameters: [][2]string{{"code", "c"}, {"state", hostile}}})
		}),
	}
}

// elements are the elements of a page by name, in order.
func elements(t *testing.T, recorder *httptest.ResponseRecorder, name string) []*html.Node {
	t.Helper()
	document, err := html.Parse(strings.NewReader(recorder.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	var found []*html.Node
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && (name == "*" || node.Data == name) {
			found = append(found, node)
		}
	}
	return found
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(node *html.Node) string {
	var b strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// directives are those of the page's policy by name.
func directives(recorder *httptest.ResponseRecorder) map[string]string {
	list := map[string]string{}
	for directive := range strings.SplitSeq(recorder.Header().Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(directive, " ")
		list[name] = value
	}
	return list
}

func TestPG1_PolicyPinsEveryInlineText(t *testing.T) {
	pinned := func(node *html.Node) string {
		sum := sha256.Sum256([]byte(text(node)))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	for name, page := range everyPage() {
		policy := directives(page)
		if policy["default-src"] != "'none'" || policy["base-uri"] != "'none'" {
			t.Errorf("%s: policy %v lets something through by default", name, policy)
		}
		for _, style := range elements(t, page, "style") {
			if policy["style-src"] != pinned(style) {
				t.Errorf("%s: style-src is %s, the style sheet is %s", name, policy["style-src"], pinned(style))
			}
		}
		for _, script := range elements(t, page, "script") {
			if policy["script-src"] != pinned(script) {
				t.Errorf("%s: script-src is %s, the script is %s", name, policy["script-src"], pinned(script))
			}
		}
		for _, element := range elements(t, page, "*") {
			for _, a := range element.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" {
					t.Errorf("%s: <%s> has the attribute %s, which the policy stops", name, element.Data, a.Key)
				}
			}
		}
	}
}

func TestA15_NobodyMayFrameAPage(t *testing.T) {
	for name, page := range everyPage() {
		if got := directives(page)["frame-ancestors"]; got != "'none'" {
			t.Errorf("%s: frame-ancestors is %q", name, got)
		}
	}
}

func TestPG1_FormActionNamesWhereTheBrowserMayGo(t *testing.T) {
	for _, test := range []struct{ target, want string }{
		{"https://app.test", "'self' https:"},
		{"https://app.test:8443", "'self' https:"}, // it may redirect on to another origin of theirs
		{"http://127.0.0.1:51004", "'self' http://127.0.0.1:51004"},
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
		recorder := httptest.NewRecorder()
		write(recorder, http.StatusOK, pages.Login{Form: pages.Form{FormTarget: test.target}})
		if got := directives(recorder)["form-action"]; got != test.want {
			t.Errorf("target %q: form-action is %q, want %q", test.target, got, test.want)
		}
	}
}

func TestPG2_SecurityHeadersOnEveryPage(t *testing.T) {
	for name, page := range everyPage() {
		for header, want := range map[string]string{
			"Content-Type":               "text/html; charset=utf-8",
			"X-Frame-Options":            "DENY",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := page.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if page.Header().Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", name)
		}
	}
}

func TestPG21_NoPageIsStored(t *testing.T) {
	for name, page := range everyPage() {
		if got := page.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
	}
}

func TestCL10_TextFromOutsideIsEscaped(t *testing.T) {
	for name, page := range everyPage() {
		if strings.Contains(page.Body.String(), "<script>alert") {
			t.Errorf("%s: a script of a stranger came through", name)
		}
		if name == "login" || name == "consent" {
			if !strings.Contains(text(elements(t, page, "body")[0]), hostile) {
				t.Errorf("%s: the client's name is not shown as it is", name)
			}
		}
	}
}

func TestPG11_FormsPostToTheirOwnAddress(t *testing.T) {
	for _, name := range []string{"login", "consent"} {
		form := elements(t, everyPage()[name], "form")[0]
		if attribute(form, "method") != "post" || slices.ContainsFunc(form.Attr, func(a html.Attribute) bool { return a.Key == "action" }) {
			t.Errorf("%s: form is %v, want a post without an action", name, form.Attr)
		}
	}
}

func TestPG12_FormPostEscapesAndNeedsNoScript(t *testing.T) {
	page := everyPage()["form_post"]
	form := elements(t, page, "form")[0]
	if got := attribute(form, "action"); got != "https://app.test/cb?a=1&b=%20" {
		t.Errorf("action is %q", got)
	}
	got := map[string]string{}
	for _, input := range elements(t, page, "input") {
		got[attribute(input, "name")] = attribute(input, "value")
	}
	if len(got) != 2 || got["code"] != "c" || got["state"] != hostile {
		t.Errorf("fields are %q", got)
	}
	if len(elements(t, page, "button")) != 1 {
		t.Error("there is no button for browsers without scripts")
	}
	if got := directives(page)["form-action"]; got != "https:" {
		t.Errorf("form-action is %q", got)
	}
}

func TestPG12_FormPostRefusesOtherSchemes(t *testing.T) {
	recorder := httptest.NewRecorder()
	write(recorder, http.StatusOK, pages.FormPost{RedirectURI: "javascript:alert(1)"})
	if got := attribute(elements(t, recorder, "form")[0], "action"); strings.HasPrefix(got, "javascript:") {
		t.Errorf("action is %q", got)
	}
}

func TestPG14_PagesNeedNoScriptAndHaveLabels(t *testing.T) {
	all := everyPage()
	for _, name := range []string{"login", "consent", "error"} {
		page := all[name]
		if len(elements(t, page, "script")) != 0 {
			t.Errorf("%s: has a script", name)
		}
		if attribute(elements(t, page, "html")[0], "lang") != "en" {
			t.Errorf("%s: says no language", name)
		}
		if len(elements(t, page, "h1")) != 1 || len(elements(t, page, "main")) != 1 || text(elements(t, page, "title")[0]) == "" {
			t.Errorf("%s: needs one h1, one main and a title", name)
		}
	}
	labels := map[string]bool{}
	for _, label := range elements(t, all["login"], "label") {
		labels[attribute(label, "for")] = true
	}
	for _, input := range elements(t, all["login"], "input") {
		if attribute(input, "type") != "hidden" && !labels[attribute(input, "id")] {
			t.Errorf("the field %s has no label", attribute(input, "name"))
		}
	}
}

func TestPG15_PasswordManagersKnowTheFields(t *testing.T) {
	got := map[string]string{}
	for _, input := range elements(t, everyPage()["login"], "input") {
		got[attribute(input, "name")] = attribute(input, "autocomplete")
	}
	if got["username"] != "username" || got["password"] != "current-password" {
		t.Errorf("autocomplete is %v", got)
	}
}

func TestPG8_ConsentSaysWhoWhereAndWhat(t *testing.T) {
	page := everyPage()["consent"]
	body := text(elements(t, page, "main")[0])
	for _, want := range []string{"https://app.test", "Know who you are", "orders:read"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	var decisions []string
	for _, button := range elements(t, page, "button") {
		decisions = append(decisions, attribute(button, "name")+"="+attribute(button, "value"))
	}
	if !slices.Equal(decisions, []string{"decision=deny", "decision=allow"}) {
		t.Errorf("buttons are %v", decisions)
	}
}

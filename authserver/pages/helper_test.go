package pages_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

const issuer = "https://auth.test/oauth2"

var languages = []pages.Language{"en", "de", "es", "fr", "ja"}

func newPages(t testing.TB, look pages.Look) *pages.Pages {
	t.Helper()
	p, err := pages.New(look, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// show answers with a page of a plain look, in English.
func show(t testing.TB, status int, page pages.Page) *httptest.ResponseRecorder {
	t.Helper()
	return showIn(newPages(t, pages.Look{}), "en", status, page)
}

func showIn(p *pages.Pages, lang pages.Language, status int, page pages.Page) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	p.Write(recorder, lang, status, page)
	return recorder
}

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>&#x27;{{.}}{client}` + "\u202e"

// hostilePages are each page once, with hostile text wherever text can come from
// outside.
func hostilePages() map[string]pages.Page {
	form := pages.Form{FormToken: oauth.NewSecret(hostile), FormTarget: "https://app.test"}
	return map[string]pages.Page{
		"login": pages.Login{
			Form: form, ClientName: hostile, Username: hostile, Passkey: hostile,
			Services: []pages.Choice{{Name: hostile, Label: hostile}},
		},
		"factor":         pages.Factor{Form: form, ClientName: hostile, Account: hostile, TOTP: true, Recovery: true, Passkey: hostile},
		"enrol_totp":     pages.EnrolTOTP{Form: form, Account: hostile, URI: "otpauth://totp/" + hostile, Secret: hostile, Sealed: hostile},
		"enrol_passkey":  pages.EnrolPasskey{Form: form, Account: hostile, Options: hostile, Back: "javascript:alert(1)"},
		"recovery_codes": pages.RecoveryCodes{Form: form, Codes: []string{hostile}},
		"consent": pages.Consent{
			ClientName: hostile, Account: hostile, RedirectOrigin: "https://app.test",
			Scopes: []string{"openid", "orders:read", hostile}, Claims: []string{hostile}, FormToken: form.FormToken,
		},
		"account": pages.Account{
			Form: form, Name: hostile, Subject: hostile, CanChangePassword: true, CanAddTOTP: true, CanAddPasskey: true,
			Sessions:     []pages.AccountSession{{ID: hostile, Device: hostile, Source: hostile, Applications: []string{hostile, hostile}}},
			Applications: []pages.AccountApplication{{ID: hostile, Name: hostile, Scopes: []string{hostile}}},
			Factors:      []pages.AccountFactor{{ID: hostile, Kind: "passkey", Label: hostile}},
		},
		"password":    pages.ChangePassword{Form: form, Username: hostile, Least: 8, Back: "javascript:alert(1)"},
		"sign_out":    pages.SignOut{Form: form, ClientName: hostile, Account: hostile},
		"signed_out":  pages.SignedOut{ReturnTo: "javascript:alert(1)", ClientName: hostile},
		"device":      pages.Device{Form: form, UserCode: hostile},
		"device_done": pages.DeviceDone{Allowed: true},
		"error":       pages.Failure{Message: pages.CannotAnswer, Detail: hostile},
		"formpost":    pages.FormPost{RedirectURI: "https://app.test/cb?a=1&b=%20", Parameters: [][2]string{{"code", "c"}, {"state", hostile}}},
	}
}

// each runs over every sample and every hostile page in every language.
func each(t *testing.T, look func(t *testing.T, name string, page pages.Page, answer *httptest.ResponseRecorder)) {
	t.Helper()
	p := newPages(t, pages.Look{Links: []pages.Link{{Label: hostile, URL: "https://example.com/?" + "a=1&b=2"}}})
	for _, lang := range languages {
		for _, sample := range pages.Samples() {
			look(t, string(lang)+" "+sample.Name, sample.Page, showIn(p, lang, sample.Status, sample.Page))
		}
		for name, page := range hostilePages() {
			look(t, string(lang)+" hostile "+name, page, showIn(p, lang, http.StatusOK, page))
		}
	}
}

// elements are the elements of a page by name, in order; "*" are all.
func elements(t testing.TB, answer *httptest.ResponseRecorder, name string) []*html.Node {
	t.Helper()
	document, err := html.Parse(strings.NewReader(answer.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return below(document, name)
}

func below(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		if node.Type == html.ElementNode && (name == "*" || node.Data == name) {
			found = append(found, node)
		}
	}
	return found
}

func attribute(node *html.Node, name string) string {
	value, _ := lookup(node, name)
	return value
}

func lookup(node *html.Node, name string) (string, bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
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
func directives(answer *httptest.ResponseRecorder) map[string]string {
	list := map[string]string{}
	for directive := range strings.SplitSeq(answer.Header().Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(directive, " ")
		list[name] = value
	}
	return list
}

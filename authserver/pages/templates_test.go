package pages_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

func own(files map[string]string) pages.Look {
	return pages.Look{Templates: pages.Templates{Directory: "/etc/pages", Files: files}}
}

const (
	done  = `{{define "title"}}Done{{end}}{{define "content"}}<p>Own words, {{.Site.Name}}, {{.T "or"}}</p>{{end}}`
	frame = `<!DOCTYPE html><html lang="{{.Lang}}"><title>{{template "title" .}}</title><link rel="stylesheet" href="{{.Site.Style}}"><main id="own"><h1>x</h1>{{template "content" .}}</main></html>`
)

func TestOwnTemplatesReplaceOurs(t *testing.T) {
	p := newPages(t, own(map[string]string{"device_done.html": done, "style.css": "main { color: red }"}))
	answer := showIn(p, "de", http.StatusOK, pages.DeviceDone{})
	if !strings.Contains(answer.Body.String(), "<p>Own words, auth.test, oder</p>") {
		t.Errorf("%s", answer.Body)
	}
	if got := directives(answer)["default-src"]; got != "'none'" {
		t.Errorf("the policy is not ours: %q", got)
	}
	if got := fetch(t, p, http.MethodGet, "style.css", "", nil).Body.String(); got != "main { color: red }" {
		t.Errorf("style.css is %s", got)
	}
	if got := showIn(p, "de", http.StatusOK, pages.Login{}).Body.String(); !strings.Contains(got, "<h1>Anmelden</h1>") {
		t.Errorf("the other pages are not ours: %s", got)
	}
	layout := newPages(t, own(map[string]string{"layout.html": frame}))
	for _, sample := range pages.Samples() {
		if got := showIn(layout, "en", sample.Status, sample.Page).Body.String(); !strings.Contains(got, `<main id="own">`) {
			t.Errorf("%s: not in the own layout: %s", sample.Name, got)
		}
	}
}

// Each fault is found at the start and says where it is.
func TestOwnTemplatesThatCannotWorkAreErrors(t *testing.T) {
	page := func(content string) string {
		return `{{define "title"}}x{{end}}` + "\n" + `{{define "content"}}` + content + `{{end}}`
	}
	for _, row := range []struct{ file, text, want string }{
		{"login.html", page("\n{{if}}"), "/etc/pages/login.html:3: missing value for if"},
		{"login.html", page("\n{{.Page.Passwort}}"), "/etc/pages/login.html:3:7: executing \"content\""},
		{"login.html", page("\n{{.T \"no_such_text\"}}"), "there is no text \"no_such_text\""},
		{"login.html", page("\n{{nothing}}"), "/etc/pages/login.html:3: function \"nothing\" not defined"},
		{"login.html", page("<a href={{.Lang}}"), "in unquoted attr"},
		{"login.html", `{{define "title"}}x{{end}}`, "/etc/pages/login.html: it does not define \"content\""},
		{"layout.html", "{{template \"nothing\" .}}", "/etc/pages/"},
		{"signin.html", "", "no page uses signin.html; there are account.html, consent.html"},
		{"device_done.html", page(`<p style="color: red">`), "/etc/pages/device_done.html: <p> has the attribute style, which the policy of the pages stops"},
		{"device_done.html", page(`<p onclick="x()">`), "has the attribute onclick"},
		{"device_done.html", page(`<script>alert(1)</script>`), "inline <script>"},
		{"device_done.html", page(`<style>p { color: red }</style>`), "there is a <style>"},
		{"device_done.html", page(`<a href="javascript:x()">x</a>`), "has a script as its address"},
		{"sign_out.html", page(`<form method="post"></form>`), "lacks the hidden field form_token"},
		{"sign_out.html", page(`<form>{{template "token" .}}</form>`), `lacks method="post"`},
		{"sign_out.html", page(`<form method="post" action="/x">{{template "token" .}}</form>`), "has an action"},
		{"device_done.html", page(`<img src="https://cdn.example.com/x.png">`), "/etc/pages/device_done.html: <img> loads https://cdn.example.com/x.png, which the policy"},
		{"device_done.html", page(`<img src="//cdn.example.com/x.png">`), "<img> loads //cdn.example.com/x.png"},
		{"device_done.html", page(`<img src="data:image/png;base64,iVBOR">`), "<img> loads data:image/png"},
		{"device_done.html", page(`<img src="/x.png" srcset="/y.png 1x, https://cdn.example.com/x.png 2x">`), "<img> loads https://cdn.example.com/x.png"},
		{"device_done.html", page(`<link rel="stylesheet" href="https://fonts.example.com/a.css">`), "<link> loads https://fonts.example.com/a.css"},
		{"enrol_passkey.html", page(`<script src="https://x.example/a.js"></script>`), "<script> loads https://x.example/a.js"},
		{"device_done.html", page(`<script src="/a.js"></script>`), "there is a <script>, which the policy of a page without .Script stops"},
		{"style.css", "@import \"https://x.example/a.css\";", "/etc/pages/style.css: it loads https://x.example/a.css, which the policy"},
		{"style.css", "@import url(https://x.example/a.css);", "it loads https://x.example/a.css"},
		{"style.css", "main { background: URL( 'https://x.example/a.png' ) }", "it loads https://x.example/a.png"},
		{"style.css", "main { background: url(data:image/png;base64,iVBOR) }", "it loads data:image/png"},
		{"style.css", "@font-face { font-family: X; src: url(/x.woff2) }", "there is an @font-face"},
	} {
		_, err := pages.New(own(map[string]string{row.file: row.text}), issuer)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s with %s:\n%v\nwant %q", row.file, row.text, err, row.want)
		}
	}
}

// What is of the server's own origin may be loaded.
func TestOwnTemplatesMayLoadFromTheServer(t *testing.T) {
	newPages(t, own(map[string]string{
		"device_done.html": `{{define "title"}}x{{end}}{{define "content"}}<img src="/files/x.png" srcset="/y.png 2x"><img src="` + strings.TrimSuffix(issuer, "/oauth2") + `/z.png">` +
			`<a href="https://example.com/">elsewhere</a>{{end}}`,
		"style.css": `/* url(https://x.example/) */ @import "more.css"; @namespace svg url(http://www.w3.org/2000/svg);
			main { background: url("/files/x.png"); content: "https://x.example" } use { fill: url(#a) }`,
	}))
}

// A field of another name would be a page on which nobody can sign in.
func TestOwnTemplatesLackNoField(t *testing.T) {
	for _, row := range []struct{ file, old, own, want string }{
		{"login.html", `name="password"`, `name="passwort"`, "/etc/pages/login.html: no <form> has the field password, without which the page does not work"},
		{"login.html", `name="username"`, `name="user"`, "no <form> has the field username"},
		{"login.html", `<label for="password">`, `</form><form method="post">{{template "token" .}}<label>`, "no <form> has the fields username, password together"},
		{"login.html", `name="service"`, `name="services"`, "no <form> has the field service=corp"},
		{"login.html", `name="passkey"`, `name="key"`, "no <form> has the field passkey"},
		{"factor.html", `name="code"`, `name="otp"`, "/etc/pages/factor.html: no <form> has the field code"},
		{"factor.html", `name="recovery"`, `name="code"`, "no <form> has the field recovery"},
		{"enrol_totp.html", `name="sealed"`, `name="seal"`, "no <form> has the field sealed"},
		{"enrol_passkey.html", `name="label"`, `name="name"`, "no <form> has the field label"},
		{"recovery_codes.html", `<form method="post">`, `<div>`, "no <form> has the field form_token"},
		{"consent.html", `value="allow"`, `value="yes"`, "/etc/pages/consent.html: no <form> has the field decision=allow"},
		{"account.html", `name="id"`, `name="sid"`, "no <form> has the field id"},
		{"password.html", `name="again"`, `name="repeat"`, "no <form> has the field again"},
		{"sign_out.html", `value="stay"`, `value="no"`, "no <form> has the field decision=stay"},
		{"device.html", `name="user_code"`, `name="code"`, "no <form> has the field user_code"},
		{"formpost.html", `name="{{index . 0}}"`, `name="x"`, "no <form> has the field code=sample"},
	} {
		ours, err := os.ReadFile("templates/" + row.file)
		if err != nil || !strings.Contains(string(ours), row.old) {
			t.Fatalf("%s has no %s: %v", row.file, row.old, err)
		}
		_, err = pages.New(own(map[string]string{row.file: strings.ReplaceAll(string(ours), row.old, row.own)}), issuer)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s with %s for %s:\n%v\nwant %q", row.file, row.own, row.old, err, row.want)
		}
	}
}

// What an operator writes is text, not HTML.
func TestOwnTextsAreEscaped(t *testing.T) {
	p := newPages(t, pages.Look{
		Name: "<b>Us</b>", Links: []pages.Link{{Label: "<b>Link</b>", URL: "https://example.com/"}},
		Texts:  map[pages.Language]map[string]string{"en": {"sign_in_title": "<b>Hello</b>", "sign_in_to": "<b>{client}</b>"}},
		Scopes: map[string]map[pages.Language]string{"openid": {"": "<b>All</b>"}},
	})
	for _, page := range []pages.Page{pages.Login{ClientName: "<b>Client</b>"}, pages.Consent{Scopes: []string{"openid"}}} {
		answer := showIn(p, "en", http.StatusOK, page)
		if len(elements(t, answer, "b")) > 0 {
			t.Errorf("%s", answer.Body)
		}
	}
}

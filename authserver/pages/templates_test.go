package pages_test

import (
	"net/http"
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
	} {
		_, err := pages.New(own(map[string]string{row.file: row.text}), issuer)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s with %s:\n%v\nwant %q", row.file, row.text, err, row.want)
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

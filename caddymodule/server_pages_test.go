package caddymodule

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

const logoOfTests = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>`

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What an organisation writes is what its customers see, read anew with each
// configuration.
func TestPagesLookAsConfigured(t *testing.T) {
	t.Setenv("LOOK", t.TempDir())
	logo := writeFile(t, os.Getenv("LOOK")+"/logo.svg", logoOfTests)
	writeFile(t, os.Getenv("LOOK")+"/own/README.md", "ours")
	own := writeFile(t, os.Getenv("LOOK")+"/own/device_done.html", `{{define "title"}}Done{{end}}{{define "content"}}<p>first</p>{{end}}`)
	show := func(lang pages.Language, page pages.Page) string {
		settings := settingsOf(t, shared{}, nil, "pages {", `name "Example & Co"`, "logo {env.LOOK}/logo.svg", `colour "#123456"`,
			`scope orders:read "See your orders"`, `scope orders:read de "Ihre Bestellungen sehen"`,
			`text de sign_in_title "Willkommen"`, `link Privacy https://example.com/privacy`,
			`link de Datenschutz https://example.com/datenschutz`, "templates {env.LOOK}/own", "}")
		if settings.Look.Logo.Name != logo {
			t.Errorf("logo is %s", settings.Look.Logo.Name)
		}
		made, err := pages.New(settings.Look, settings.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		made.Write(answer, lang, 200, page)
		return answer.Body.String()
	}
	consent := pages.Consent{ClientName: "Orders", Scopes: []string{"orders:read"}}
	for _, row := range []struct {
		what, got, want string
	}{
		{"name", show("en", consent), "Example &amp; Co"},
		{"logo", show("en", consent), `src="/oauth2/pages/logo?v=`},
		{"scope", show("en", consent), "See your orders"},
		{"scope of a language", show("de", consent), "Ihre Bestellungen sehen"},
		{"scope of another language", show("fr", consent), "See your orders"},
		{"text", show("de", pages.Login{}), "<h1>Willkommen</h1>"},
		{"text of another language", show("en", pages.Login{}), "<h1>Sign in</h1>"},
		{"link", show("en", consent), "https://example.com/privacy"},
		{"link of a language", show("de", consent), "https://example.com/datenschutz"},
		{"template", show("en", pages.DeviceDone{}), "<p>first</p>"},
	} {
		if !strings.Contains(row.got, row.want) {
			t.Errorf("%s: no %q in %s", row.what, row.want, row.got)
		}
	}
	writeFile(t, own, `{{define "title"}}Done{{end}}{{define "content"}}<p>second</p>{{end}}`)
	if got := show("en", pages.DeviceDone{}); !strings.Contains(got, "<p>second</p>") {
		t.Errorf("the next configuration shows %s", got)
	}
}

func TestPagesThatCannotBeShownAreErrors(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/empty/README.md", "")
	writeFile(t, dir+"/mistyped/signin.html", "")
	writeFile(t, dir+"/unknown/device_done.html", "{{define \"title\"}}x{{end}}\n{{define \"content\"}}\n{{.Nothing}}{{end}}")
	writeFile(t, dir+"/logo.gif", "GIF89a")
	writeFile(t, dir+"/huge.svg", logoOfTests+strings.Repeat(" ", 256<<10))
	for line, want := range map[string]string{
		`colour blue`:                              `colour "blue" is none; write it as #rrggbb`,
		`logo ` + dir + `/nothing.svg`:             "no such file",
		`logo ` + dir + `/logo.gif`:                "must be a .svg, .png or .webp file",
		`logo ` + dir + `/huge.svg`:                "is larger than 256 KiB",
		`logo ` + dir:                              "is no file",
		`logo {env.NO_SUCH_VARIABLE_AT_ALL}/x.svg`: "logo:",
		`scope orders:read nl "Uw bestellingen"`:   `the pages do not speak "nl"; they speak en de es fr ja`,
		`text en sign_in_titel "Hello"`:            "is no text of the pages",
		`text en sign_in_title "Hello {client}"`:   "has the placeholder {client}, which nothing fills",
		`link Privacy http://example.com/privacy`:  "write an https URL",
		`templates ` + dir + `/nothing`:            "no such file",
		`templates ` + dir + `/empty`:              "has none of the files that can be replaced",
		`templates ` + dir + `/mistyped`:           "no page uses signin.html; there are account.html",
		`templates ` + dir + `/unknown`:            dir + "/unknown/device_done.html:3:2: executing \"content\"",
	} {
		d := caddyfile.NewTestDispenser("realm / {\nissuer https://auth.example.com/oauth2\npages {\n" + line + "\n}\n}")
		d.Next()
		r := new(Realm)
		if err := r.UnmarshalCaddyfile(d); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		settings, err := r.settings(shared{repl: caddy.NewReplacer()}, nil)
		if err == nil {
			err = settings.Check()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "realm /: pages: ") {
			t.Errorf("%s:\n%v\nwant %q", line, err, want)
		}
	}
}

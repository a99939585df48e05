package people

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// lang is the language that a page says it is in.
func (b *tab) lang() string {
	b.t.Helper()
	return read(b, chromedp.Evaluate[string]("document.documentElement.lang"))
}

// speaks makes the browser ask for languages.
func (b *tab) speaks(languages string) {
	b.t.Helper()
	b.agent(read(b, chromedp.Evaluate[string]("navigator.userAgent")), languages)
}

// agent makes the browser call itself something.
func (b *tab) agent(agent, languages string) {
	b.t.Helper()
	command(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: languages})
}

func TestLanguages(t *testing.T) {
	w := newWorld(t, "")
	words := map[string][2]string{
		"de": {"Benutzername", "Zugriff erlauben?"}, "es": {"Nombre de usuario", "¿Permitir el acceso?"},
		"fr": {"Nom d’utilisateur", "Autoriser l’accès"}, "ja": {"ユーザー名", "アクセスを許可しますか?"}, "en": {"Username", "Allow access?"},
	}
	b := newTab(t)
	for lang, says := range words {
		// What the client asks for goes before what the browser does.
		for _, test := range [][2]string{{lang, "en"}, {"", lang + "-XX," + lang + ";q=0.9,en;q=0.8"}, {"xx " + lang, "en"}} {
			b.speaks(test[1])
			b.open(w.request("ui_locales", test[0]))
			b.wants(says[0])
			if got := b.lang(); got != lang {
				t.Errorf("ui_locales=%s, Accept-Language: %s: the page is in %s", test[0], test[1], got)
			}
		}
		b.accessible("sign-in in " + lang)
	}
	for lang, says := range words {
		b := newTab(t)
		b.open(w.request("ui_locales", lang, "prompt", "login consent"))
		b.signIn(username, password)
		b.wants(says[1])
		if got := b.lang(); got != lang {
			t.Errorf("the consent page is in %s, not %s", got, lang)
		}
		b.accessible("consent in " + lang)
	}
}

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#7a1f5c"/></svg>`

func TestOwnLook(t *testing.T) {
	logo := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(logo, []byte(drawing), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, `pages {
		name "Orders & Co"
		logo `+logo+`
		colour "#7a1f5c"
		text en sign_in_title "Come in"
		link "Imprint" https://example.com/imprint
	}`)
	b := newTab(t)
	b.open(w.request())
	b.wants("Orders & Co", "Come in", "Imprint")
	b.accessible("own look")
	if title := read(b, chromedp.Title()); !strings.Contains(title, "Orders & Co") {
		t.Errorf("the title is %q", title)
	}
	if width := read(b, chromedp.Evaluate[int]("document.querySelector('header img').naturalWidth")); width == 0 {
		t.Error("the logo is not shown")
	}
	colour := read(b, chromedp.Evaluate[string]("getComputedStyle(document.querySelector('main form button')).backgroundColor"))
	if colour != "rgb(122, 31, 92)" {
		t.Errorf("the button is %s", colour)
	}
}

package pages_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

func TestLanguageIsTheFirstThatBothKnow(t *testing.T) {
	p := newPages(t, pages.Look{})
	for _, row := range []struct {
		locales, header string
		want            pages.Language
	}{
		{"", "", "en"},
		{"de", "", "de"},
		{"fr-CA fr en", "", "fr"},
		{"nl de-AT", "", "de"},
		{"ja", "de", "ja"},
		{"nl", "es-MX,es;q=0.9", "es"},
		{"", "de-CH;q=0.7, fr;q=0.9, en;q=0.1", "fr"},
		{"", "de;q=0, es", "es"},
		{"", "nl, *;q=0.5", "en"},
		{"", "*", "en"},
		{"", "nl,xx,ja;q=0.1", "ja"},
		{"<script>", "de", "de"},
		{"!!! de", "", "de"},
		{"", "de;q=nonsense", "en"},
		{strings.Repeat("x", 10_000), "de", "de"},
		{"", "de," + strings.Repeat("nl,", 5_000), "de"},
		{"", strings.Repeat("x", 10_000), "en"},
	} {
		if got := p.Language(row.locales, http.Header{"Accept-Language": {row.header}}); got != row.want {
			t.Errorf("%.40q and %.40q: %s, want %s", row.locales, row.header, got, row.want)
		}
	}
	if got := p.Language("", nil); got != pages.English {
		t.Errorf("without a header: %s", got)
	}
}

func FuzzLanguage(f *testing.F) {
	for _, seed := range [][2]string{
		{"de fr", "en-GB,en;q=0.9"}, {"x-klingon", "i-enochian"}, {"zh-Hant-TW-u-co-stroke", "*;q=0"},
		{"de-1996-DE-x-a-b", strings.Repeat("a-", 200)}, {"_", ";;;,,,q=1"},
	} {
		f.Add(seed[0], seed[1])
	}
	p := newPages(f, pages.Look{})
	f.Fuzz(func(t *testing.T, locales, header string) {
		if got := p.Language(locales, http.Header{"Accept-Language": {header}}); !slices.Contains(languages, got) {
			t.Errorf("%q and %q: %q", locales, header, got)
		}
	})
}

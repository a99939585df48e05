package pages

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every text is there in every language, with the same placeholders, and is not
// the English one.
func TestCatalogsAreComplete(t *testing.T) {
	// Words and forms that are the same in another language.
	same := map[Language][]string{
		"de": {"factor_passkey", "month.4", "month.8", "month.9", "month.11", "date.first"},
		"es": {"date.first"},
		"fr": {"date"},
		"ja": {"date.first"},
	}
	english := catalogs[English]
	for _, lang := range languages[1:] {
		catalog := catalogs[lang]
		for _, key := range slices.Sorted(maps.Keys(english)) {
			text, ok := catalog[key]
			switch {
			case !ok || strings.TrimSpace(text) == "":
				t.Errorf("%s has no %s", lang, key)
			case !slices.Equal(placeholders(text), placeholders(english[key])):
				t.Errorf("%s: %s has the placeholders %v, English has %v", lang, key, placeholders(text), placeholders(english[key]))
			case text == english[key] && !slices.Contains(same[lang], key):
				t.Errorf("%s: %s is English: %q", lang, key, text)
			}
		}
		for key := range catalog {
			if _, ok := english[key]; !ok {
				t.Errorf("%s: nobody uses %s", lang, key)
			}
		}
	}
}

// Every key that a template names is in the catalog, and nothing is translated
// for nobody.
func TestTemplatesAndCatalogAgree(t *testing.T) {
	used := map[string]bool{}
	for name, text := range ourFiles {
		for _, match := range regexp.MustCompile(`\.(T|H|N) "([a-z_.]+)"`).FindAllStringSubmatch(text, -1) {
			keys := []string{match[2]}
			if match[1] == "N" {
				keys = []string{match[2] + ".one", match[2] + ".other"}
			}
			for _, key := range keys {
				used[key] = true
				if _, ok := catalogs[English][key]; !ok {
					t.Errorf("%s: there is no text %q", name, key)
				}
			}
		}
	}
	for key := range catalogs[English] {
		family, _, _ := strings.Cut(key, ".")
		if !used[key] && !slices.Contains([]string{"message", "scope", "claim", "month", "date"}, family) {
			t.Errorf("no template uses the text %s", key)
		}
	}
}

// Each Message of message.go has a text.
func TestEveryMessageHasAText(t *testing.T) {
	source, err := os.ReadFile("message.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Message\s+= "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 20 {
		t.Fatalf("%d messages: the test does not look where they are", len(found))
	}
	for _, match := range found {
		if catalogs[English]["message."+match[1]] == "" {
			t.Errorf("the message %s has no text: add message.%s to every file of locales", match[1], match[1])
		}
	}
}

func TestNumbersAndDates(t *testing.T) {
	p, err := New(Look{}, "https://auth.test/oauth2")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, time.February, 1, 23, 5, 0, 0, time.FixedZone("", -3600))
	later := time.Date(2026, time.December, 24, 7, 30, 0, 0, time.UTC)
	for lang, want := range map[Language][5]string{
		"en": {"0 recovery codes are left.", "1 recovery code is left.", "2 recovery codes are left.", "2 February 2026, 00:05 UTC", "24 December 2026, 07:30 UTC"},
		"de": {"Es sind noch 0 Wiederherstellungscodes übrig.", "Es ist noch 1 Wiederherstellungscode übrig.", "Es sind noch 2 Wiederherstellungscodes übrig.", "2. Februar 2026, 00:05 UTC", "24. Dezember 2026, 07:30 UTC"},
		"es": {"Quedan 0 códigos de recuperación.", "Queda 1 código de recuperación.", "Quedan 2 códigos de recuperación.", "2 de febrero de 2026, 00:05 UTC", "24 de diciembre de 2026, 07:30 UTC"},
		"fr": {"Il reste 0 code de récupération.", "Il reste 1 code de récupération.", "Il reste 2 codes de récupération.", "2 février 2026, 00:05 UTC", "24 décembre 2026, 07:30 UTC"},
		"ja": {"リカバリーコードは残り 0 個です。", "リカバリーコードは残り 1 個です。", "リカバリーコードは残り 2 個です。", "2026年2月2日 00:05 UTC", "2026年12月24日 07:30 UTC"},
	} {
		view := p.view(lang, DeviceDone{})
		for n := range 3 {
			if got, err := view.N("recovery_left", n); err != nil || got != want[n] {
				t.Errorf("%s: %d is %q, %v; want %q", lang, n, got, err, want[n])
			}
		}
		for i, moment := range []time.Time{first, later} {
			if got := string(view.Time(moment)); got != `<time datetime="`+moment.UTC().Format(time.RFC3339)+`">`+want[3+i]+"</time>" {
				t.Errorf("%s: %s", lang, got)
			}
		}
	}
	if got := string(p.view("fr", DeviceDone{}).Time(first.AddDate(0, 0, -1))); !strings.Contains(got, ">1er février 2026, 00:05 UTC<") {
		t.Errorf("the first is %s", got)
	}
}

package pages

import (
	"regexp"
	"strings"
	"testing"
)

func TestParseColour(t *testing.T) {
	for text, want := range map[string]string{"#0b5394": "#0b5394", "#FFF": "#ffffff", "#a1C": "#aa11cc"} {
		if got, err := parseColour(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "#", "blue", "0b5394", "#12", "#1234", "#12345g", "#1234567", "#ééé", "#0b5394;}", "# 0b539"} {
		if got, err := parseColour(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// contrasts of well-known pairs.
func TestContrast(t *testing.T) {
	for _, row := range []struct {
		a, b     string
		from, to float64
	}{{"#000", "#fff", 21, 21}, {"#767676", "#fff", 4.54, 4.55}, {"#777777", "#fff", 4.47, 4.49}, {"#f00", "#fff", 3.99, 4.0}} {
		a, _ := parseColour(row.a)
		b, _ := parseColour(row.b)
		if got := contrast(a, b); got < row.from || got > row.to || got != contrast(b, a) {
			t.Errorf("%s on %s: %f", row.a, row.b, got)
		}
	}
}

// PG14: with whatever colour an operator chooses, text on buttons and links can
// be read in both themes.
func TestPG14_AnyColourCanBeRead(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				checkReadable(t, colour{uint8(r), uint8(g), uint8(b)})
			}
		}
	}
}

func checkReadable(t *testing.T, brand colour) {
	t.Helper()
	if got := contrast(textOn(brand), brand); got < 4.5 {
		t.Errorf("%s: text on it has %f", brand, got)
	}
	for _, ground := range []ground{lightGround, darkGround} {
		accent := ground.readable(brand)
		if onPage, onCard := contrast(accent, ground.page), contrast(accent, ground.card); onPage < 4.5 || onCard < 4.5 {
			t.Errorf("%s: %s has %f and %f", brand, accent, onPage, onCard)
		}
		if contrast(brand, ground.page) >= ground.contrast && contrast(brand, ground.card) >= ground.contrast && accent != brand {
			t.Errorf("%s could stay as it is", brand)
		}
	}
}

// PG14: the colours of the style sheet, read from it.
func TestPG14_StyleSheetCanBeRead(t *testing.T) {
	light, dark, _ := strings.Cut(ourFiles[assetStyle], "@media (prefers-color-scheme: dark)")
	for name, theme := range map[string]struct {
		rules  string
		ground ground
	}{"light": {light, lightGround}, "dark": {dark, darkGround}} {
		colours := map[string]colour{}
		for _, match := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(theme.rules, -1) {
			parsed, err := parseColour(match[2])
			if err != nil {
				t.Fatal(err)
			}
			colours[match[1]] = parsed
		}
		if colours["page"] != theme.ground.page || colours["card"] != theme.ground.card {
			t.Errorf("%s: the backgrounds are not those of theme.go: %v", name, colours)
		}
		for _, text := range []string{"text", "muted", "bad", "good"} {
			for _, background := range []string{"page", "card"} {
				if got := contrast(colours[text], colours[background]); got < 4.5 {
					t.Errorf("%s: %s on %s has %f", name, text, background, got)
				}
			}
		}
		// The frames of fields are all that shows where they are (1.4.11).
		if got := contrast(colours["edge"], colours["card"]); got < 3 {
			t.Errorf("%s: the frame of a field has %f", name, got)
		}
	}
}

func FuzzColour(f *testing.F) {
	for _, seed := range []string{"#0b5394", "#fff", "#00000000", "red", "#\x00\x00\x00", "#+1+1+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sheet, err := theme(text)
		if err != nil || text == "" {
			return
		}
		if !regexp.MustCompile(`^(#[0-9a-fA-F]{3}){1,2}$|^#[0-9a-fA-F]{6}$`).MatchString(text) {
			t.Errorf("%q is taken", text)
		}
		if strings.Count(sheet, "{") != strings.Count(sheet, "}") || strings.Count(sheet, "#") != 6 {
			t.Errorf("%q: %s", text, sheet)
		}
		brand, _ := parseColour(text)
		checkReadable(t, brand)
	})
}

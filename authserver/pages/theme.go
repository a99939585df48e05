package pages

import "strings"

// ground are the backgrounds of a theme, the page and the card on it, and the
// contrast of links on them. The style sheet has the same backgrounds: a test says
// so.
type ground struct {
	page, card colour
	contrast   float64
}

var (
	lightGround = ground{colour{0xf3, 0xf4, 0xf6}, white, textContrast}
	// Colours look duller on dark, so a little more.
	darkGround = ground{colour{0x11, 0x13, 0x18}, colour{0x1b, 0x1e, 0x25}, 6}
)

// ourColour is that of a realm without one.
const ourColour = "#0b5394"

// theme is the style sheet of a realm's colour: as it is on buttons, with text
// that can be read on it; and for links and frames shifted, where it must be, to
// what can be read on the backgrounds of each theme.
func theme(written string) (string, error) {
	if written == "" {
		written = ourColour
	}
	brand, err := parseColour(written)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	variables := func(g ground) {
		b.WriteString(":root { --brand: " + brand.String() + "; --on-brand: " + textOn(brand).String() +
			"; --accent: " + g.readable(brand).String() + "; }")
	}
	variables(lightGround)
	b.WriteString("\n@media (prefers-color-scheme: dark) { ")
	variables(darkGround)
	b.WriteString(" }\n")
	return b.String(), nil
}

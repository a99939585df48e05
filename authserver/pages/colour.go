package pages

import (
	"fmt"
	"math"
	"strings"
)

// Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio

// colour is one of sRGB.
type colour struct{ r, g, b uint8 }

// parseColour reads #rgb or #rrggbb.
func parseColour(text string) (colour, error) {
	digits, ok := strings.CutPrefix(text, "#")
	if len(digits) == 3 {
		digits = strings.Join([]string{digits[:1], digits[:1], digits[1:2], digits[1:2], digits[2:], digits[2:]}, "")
	}
	if !ok || len(digits) != 6 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return colour{}, fmt.Errorf("colour %q is none; write it as #rrggbb, such as #0b5394", text)
	}
	var c colour
	if _, err := fmt.Sscanf(digits, "%02x%02x%02x", &c.r, &c.g, &c.b); err != nil {
		return colour{}, fmt.Errorf("colour %q: %w", text, err)
	}
	return c, nil
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// luminance is how bright a colour is, from 0 to 1.
func (c colour) luminance() float64 {
	linear := func(channel uint8) float64 {
		v := float64(channel) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast of two colours, from 1 to 21. Text needs 4.5 (success criterion
// 1.4.3), the shapes of controls need 3 (1.4.11).
func contrast(a, b colour) float64 {
	bright, dark := a.luminance(), b.luminance()
	if bright < dark {
		bright, dark = dark, bright
	}
	return (bright + 0.05) / (dark + 0.05)
}

var black, white = colour{}, colour{255, 255, 255}

// textContrast is what text needs.
const textContrast = 4.5

// textOn is the one of black and white that reads better on a colour. It always
// has a contrast of 4.58 at least.
func textOn(background colour) colour {
	if contrast(white, background) >= contrast(black, background) {
		return white
	}
	return black
}

// readable is the colour nearest to c, towards black or white, that can be read
// on both backgrounds.
func (g ground) readable(c colour) colour {
	end := textOn(g.card)
	for step := range 256 {
		mixed := mix(c, end, float64(step)/255)
		if contrast(mixed, g.page) >= g.contrast && contrast(mixed, g.card) >= g.contrast {
			return mixed
		}
	}
	return end
}

// mix goes from one colour to another, share of the way.
func mix(from, to colour, share float64) colour {
	channel := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*share)) }
	return colour{channel(from.r, to.r), channel(from.g, to.g), channel(from.b, to.b)}
}

package pages

import (
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin that a QR code needs to be found, in modules.
const quiet = 4

// maxQR bounds what is made a QR code of: longer ones are too fine for a camera.
const maxQR = 512

// qrCode draws a text as a QR code, "" for one that is empty or too long. It is
// dark on light in both themes, as scanners want it.
func qrCode(text string) template.HTML {
	if text == "" || len(text) > maxQR {
		return ""
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return ""
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool { return x < size && code.At(x, y) == color.Black }
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			start := x
			for dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
			}
		}
	}
	side := size + 2*quiet
	return template.HTML(fmt.Sprintf( // numbers alone
		`<svg class="qr" viewBox="0 0 %d %d" width="220" height="220" aria-hidden="true" focusable="false" shape-rendering="crispEdges">`+
			`<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`, side, side, side, side, path.String()))
}

package pages

import (
	"fmt"
	"image/color"
	"regexp"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
)

// The drawing has a square for each dark module and no other.
func TestQRCodeIsDrawnAsItIs(t *testing.T) {
	const uri = "otpauth://totp/Example:demo?secret=JBSWY3DPEHPK3PXP&issuer=Example"
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	size := code.Bounds().Dx()
	drawn := map[[2]int]bool{}
	for _, match := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(string(qrCode(uri)), -1) {
		var x, y, width, back int
		if _, err := fmt.Sscan(strings.Join(match[1:], " "), &x, &y, &width, &back); err != nil || width != back {
			t.Fatalf("%v: %v", match, err)
		}
		for i := range width {
			drawn[[2]int{x + i - quiet, y - quiet}] = true
		}
	}
	for y := range size {
		for x := range size {
			if dark := code.At(x, y) == color.Black; dark != drawn[[2]int{x, y}] {
				t.Fatalf("module %d, %d is dark %t", x, y, dark)
			}
		}
	}
	if !strings.Contains(string(qrCode(uri)), fmt.Sprintf(`viewBox="0 0 %d %[1]d"`, size+2*quiet)) {
		t.Error("there is no quiet zone around it")
	}
}

func TestQRCodeOfTooMuchIsNone(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", maxQR+1)} {
		if got := qrCode(text); got != "" {
			t.Errorf("%d bytes: %.60s", len(text), got)
		}
	}
}

package people

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

// samples serves each of pages.Samples below its name, in the language of its
// query, with the files and the headers that it has in a realm.
func samples(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	shown, err := pages.New(pages.Look{
		Name: "Example", Logo: pages.Logo{Name: "logo.svg", Data: []byte(drawing)},
		Links: []pages.Link{{Label: "Imprint", URL: "https://example.com/imprint"}},
	}, server.URL+"/oauth2")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range pages.Samples() {
		mux.HandleFunc("/oauth2/"+sample.Name, func(w http.ResponseWriter, r *http.Request) {
			shown.Write(w, shown.Language(r.URL.Query().Get("ui_locales"), r.Header), sample.Status, sample.Page)
		})
	}
	mux.HandleFunc("/oauth2/pages/{file}", func(w http.ResponseWriter, r *http.Request) {
		shown.Asset(r.PathValue("file")).ServeHTTP(w, r)
	})
	// The page that sends itself away stays, to be looked at.
	mux.HandleFunc("/oauth2/pages/submit.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
	})
	return server.URL + "/oauth2/"
}

func TestPG14_EveryPageIsAccessible(t *testing.T) {
	address := samples(t)
	b := newTab(t)
	for _, sample := range pages.Samples() {
		b.open(address + sample.Name)
		b.accessible(sample.Name)
		// A small phone, or a desktop at four times the size (WCAG 2.2, 1.4.10).
		b.wide(320)
		if over := read(b, chromedp.Evaluate[int]("document.documentElement.scrollWidth - document.documentElement.clientWidth")); over > 0 {
			t.Errorf("PG14: %s is %d pixels too wide for a phone", sample.Name, over)
		}
		b.wide(1280)
	}
}

// wide makes the tab's window so many pixels wide.
func (b *tab) wide(width int64) {
	b.t.Helper()
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1})
}

// With SCREENSHOTS each page is written there in both themes, as wide as a phone
// and a desktop; without it one is taken, so that the command works when it is
// wanted.
func TestScreenshots(t *testing.T) {
	dir, address := os.Getenv("SCREENSHOTS"), samples(t)
	widths, list := []int64{360, 1280}, pages.Samples()
	if dir == "" {
		widths, list = widths[:1], list[:1]
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := newTab(t)
	for _, sample := range list {
		for _, theme := range themes {
			for _, width := range widths {
				b.theme(theme)
				b.wide(width)
				b.open(address + sample.Name)
				picture := read(b, chromedp.FullScreenshot(100))
				name := sample.Name + "-" + theme + "-" + strconv.FormatInt(width, 10) + ".png"
				if colours(t, picture) < 3 {
					t.Errorf("%s is blank", name)
				}
				if dir == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), picture, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// colours is how many there are in a picture.
func colours(t *testing.T, picture []byte) int {
	t.Helper()
	image, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	type colour struct{ r, g, b, a uint32 }
	seen := map[colour]bool{}
	for y := image.Bounds().Min.Y; y < image.Bounds().Max.Y; y++ {
		for x := image.Bounds().Min.X; x < image.Bounds().Max.X; x++ {
			r, g, b, a := image.At(x, y).RGBA()
			seen[colour{r, g, b, a}] = true
		}
	}
	return len(seen)
}

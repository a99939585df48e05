package pages_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script>alert(1)</script></svg>`

func fetch(t *testing.T, p *pages.Pages, method, name, query string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/oauth2/pages/"+name+query, nil)
	for key, values := range header {
		r.Header[key] = values
	}
	answer := httptest.NewRecorder()
	p.Asset(name).ServeHTTP(answer, r)
	return answer
}

// Every file that a page names is there under the name, and may be kept for ever.
func TestFilesOfPagesAreThereAndKept(t *testing.T) {
	p := newPages(t, pages.Look{Logo: pages.Logo{Name: "logo.svg", Data: []byte(svg)}})
	seen := map[string]bool{}
	for _, sample := range pages.Samples() {
		for _, element := range elements(t, showIn(p, "en", sample.Status, sample.Page), "*") {
			for _, key := range []string{"href", "src"} {
				rest, ok := strings.CutPrefix(attribute(element, key), "/oauth2/pages/")
				if !ok {
					continue
				}
				name, query, _ := strings.Cut(rest, "?")
				seen[name] = true
				answer := fetch(t, p, http.MethodGet, name, "?"+query, nil)
				if answer.Code != http.StatusOK || answer.Body.Len() == 0 || answer.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
					t.Errorf("%s: %d %v", rest, answer.Code, answer.Header())
				}
			}
		}
	}
	for _, name := range []string{"style.css", "theme.css", "submit.js", "passkey.js", "logo"} {
		if !seen[name] {
			t.Errorf("no page names %s", name)
		}
	}
}

func TestFilesAreServedSafely(t *testing.T) {
	p := newPages(t, pages.Look{Logo: pages.Logo{Name: "logo.svg", Data: []byte(svg)}})
	for name, kind := range map[string]string{
		"style.css": "text/css; charset=utf-8", "theme.css": "text/css; charset=utf-8", "logo": "image/svg+xml",
		"submit.js": "text/javascript; charset=utf-8", "passkey.js": "text/javascript; charset=utf-8",
	} {
		answer := fetch(t, p, http.MethodGet, name, "", nil)
		for header, want := range map[string]string{
			"Content-Type": kind, "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
			// Without the right version it is asked for again each time.
			"Cache-Control": "no-cache",
		} {
			if got := answer.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		again := fetch(t, p, http.MethodGet, name, "?v=0", http.Header{"If-None-Match": {answer.Header().Get("ETag")}})
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: asked again: %d %v", name, again.Code, again.Header())
		}
		if head := fetch(t, p, http.MethodHead, name, "", nil); head.Code != http.StatusOK || head.Body.Len() > 0 {
			t.Errorf("%s: HEAD is %d", name, head.Code)
		}
		if post := fetch(t, p, http.MethodPost, name, "", nil); post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") == "" {
			t.Errorf("%s: POST is %d", name, post.Code)
		}
	}
	if answer := fetch(t, newPages(t, pages.Look{}), http.MethodGet, "logo", "", nil); answer.Code != http.StatusNotFound {
		t.Errorf("a logo that is not there is %d", answer.Code)
	}
}

// A file that changes has another address.
func TestFilesHaveVersions(t *testing.T) {
	blue := showIn(newPages(t, pages.Look{Colour: "#00f"}), "en", http.StatusOK, pages.Login{}).Body.String()
	red := showIn(newPages(t, pages.Look{Colour: "#f00"}), "en", http.StatusOK, pages.Login{}).Body.String()
	if blue == red {
		t.Error("another colour has the same address")
	}
}

func TestLogosAreWhatTheySay(t *testing.T) {
	png, webp := "\x89PNG\r\n\x1a\n…", "RIFF\x00\x00\x00\x00WEBPVP8 "
	for _, row := range []struct {
		name, data string
		ok         bool
	}{
		{"l.svg", svg, true}, {"L.SVG", svg, true}, {"l.png", png, true}, {"l.webp", webp, true},
		{"l.png", svg, false}, {"l.webp", png, false}, {"l.svg", png, false}, {"l.svg", "<html></html>", false},
		{"l.svg", "", true}, // none
		{"l.gif", "GIF89a", false}, {"logo", png, false}, {"l.svg", svg + strings.Repeat(" ", pages.MaxLogo), false},
	} {
		_, err := pages.New(pages.Look{Logo: pages.Logo{Name: row.name, Data: []byte(row.data)}}, issuer)
		if (err == nil) != row.ok {
			t.Errorf("%s with %.20q: %v", row.name, row.data, err)
		}
	}
}

// The size of what everybody downloads before they can sign in.
func TestFilesAreSmall(t *testing.T) {
	for name, most := range map[string]int64{"style.css": 12 << 10, "submit.js": 1 << 10, "passkey.js": 8 << 10} {
		info, err := os.Stat("assets/" + name)
		if err != nil || info.Size() > most {
			t.Errorf("%s: %v, %v; at most %d", name, info, err, most)
		}
	}
}

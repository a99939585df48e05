package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// The files that pages refer to, below the realm's path and pages/.
const (
	assetStyle   = "style.css"
	assetTheme   = "theme.css"
	assetSubmit  = "submit.js"
	assetPasskey = "passkey.js"
	assetLogo    = "logo"
)

// asset is a file as it is sent.
type asset struct {
	mime    string
	body    []byte
	version string
}

func newAsset(mime string, body []byte) *asset {
	sum := sha256.Sum256(body)
	return &asset{mime: mime, body: body, version: hex.EncodeToString(sum[:8])}
}

// assetPolicy keeps an SVG that is opened by itself from running or loading
// anything.
const assetPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

// ServeHTTP sends the file. The pages name its version in the query: that one
// never changes, so it may be kept (RFC 8246).
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This is a file.", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Content-Security-Policy", assetPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == "v="+a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// Asset answers with one of the files that the pages refer to: style.css,
// theme.css, submit.js, passkey.js, logo. One that the realm has not is not found.
func (p *Pages) Asset(name string) http.Handler {
	if file, ok := p.assets[name]; ok {
		return file
	}
	return http.NotFoundHandler()
}

// assets makes the files of a look. style is the style sheet.
func (l *Look) assets(style string) (map[string]*asset, error) {
	colours, err := theme(l.Colour)
	if err != nil {
		return nil, err
	}
	files := map[string]*asset{
		assetStyle: newAsset("text/css; charset=utf-8", []byte(style)),
		assetTheme: newAsset("text/css; charset=utf-8", []byte(colours)),
	}
	for _, script := range []string{assetSubmit, assetPasskey} {
		body, err := assetFiles.ReadFile("assets/" + script)
		if err != nil {
			return nil, err
		}
		files[script] = newAsset("text/javascript; charset=utf-8", body)
	}
	if len(l.Logo.Data) > 0 {
		mime, err := l.Logo.mime()
		if err != nil {
			return nil, err
		}
		files[assetLogo] = newAsset(mime, l.Logo.Data)
	}
	return files, nil
}

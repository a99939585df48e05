package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// Content Security Policy Level 3, RFC 7034, RFC 9700 §4.16

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed style.css
var styleSheet string

var (
	templates = template.Must(template.New("").Funcs(template.FuncMap{
		// The style sheet and the script are ours, byte for byte: they are what
		// the policy pins.
		"style":  func() template.CSS { return template.CSS(styleSheet) },
		"script": func() template.JS { return template.JS(submitScript) },
	}).ParseFS(templateFiles, "templates/*.html"))

	styleSource  = hashSource(styleSheet)
	scriptSource = hashSource(submitScript)
)

// hashSource is the source expression that allows exactly one inline text.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Look is how the pages of a realm look.
type Look struct {
	// Name is what people know the site by; the host of the issuer when empty.
	Name string
}

// Pages are the pages of one realm.
type Pages struct{ look Look }

// New makes the pages of a realm. An error says what of the look cannot be used.
func New(look Look, _ string) (*Pages, error) { return &Pages{look}, nil }

// Language is one that the pages speak (BCP 47).
type Language string

// Language chooses the first that the pages speak of what a request asks for (its
// ui_locales, separated by spaces) and what the browser does (Accept-Language),
// else English.
func (*Pages) Language(_ string, _ http.Header) Language { return "en" }

// Page is what one page says.
type Page interface {
	// page gives the template and the directives of its policy besides the common
	// ones.
	page() (template string, policy []string)
}

// Write answers with a page.
func (*Pages) Write(w http.ResponseWriter, _ Language, status int, page Page) {
	name, extra := page.page()
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, page); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	policy := append([]string{
		"default-src 'none'",
		"style-src " + styleSource,
		"base-uri 'none'",
		// Nobody may frame a page on which people type passwords or click
		// "Allow" (RFC 9700 §4.16). X-Frame-Options says it to old browsers.
		"frame-ancestors 'none'",
	}, extra...)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.Join(policy, "; "))
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// formAction lets the forms of a page post to sources and nowhere else.
// Browsers hold a redirect that follows a form to the same directive, so it
// names where the answer to the form may send them on to.
func formAction(sources ...string) string {
	return strings.TrimRight("form-action "+strings.Join(sources, " "), " ")
}

// originSource is the source expression for where the answer to a form may send
// the browser on to. For https it is the whole scheme: the redirect URI of a
// client may itself redirect to another origin of theirs, which browsers hold to
// the directive too. An IPv6 address has no expression of its own, and neither
// has the host of a private-use URI: there the scheme alone stands. "" for an
// origin that cannot be named safely.
func originSource(origin string) string {
	scheme, host, _ := strings.Cut(origin, ":")
	host = strings.TrimPrefix(host, "//")
	switch {
	case scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "":
		return ""
	case scheme != "http", strings.HasPrefix(host, "["):
		return scheme + ":"
	case host == "" || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789._-:") != "":
		return ""
	}
	return scheme + "://" + host
}

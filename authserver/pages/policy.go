package pages

import (
	"net/http"
	"strings"
)

// Content Security Policy Level 3, Trusted Types, RFC 7034, RFC 9700 §4.16

// secure sets the headers that every page has. extra are the directives of its
// policy besides the common ones.
func secure(h http.Header, script string, extra []string) {
	policy := append(make([]string, 0, 10),
		"default-src 'none'",
		"style-src 'self'",
		"img-src 'self'",
		"base-uri 'none'",
		// Nobody may frame a page on which people type passwords or click
		// "Allow" (RFC 9700 §4.16). X-Frame-Options says it to old browsers.
		"frame-ancestors 'none'",
		// No text of the page can become a script.
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	)
	if script != "" {
		policy = append(policy, "script-src 'self'")
	}
	policy = append(policy, extra...)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.Join(policy, "; "))
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
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
// the directive too; for http, which is for loopback, it is every port of the
// machine, for the same reason. An IPv6 address has no expression of its own, and neither
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
	if name, _, _ := strings.Cut(host, ":"); name == "localhost" || name == "127.0.0.1" {
		return "http://localhost:* http://127.0.0.1:*"
	}
	return scheme + "://" + host
}

package oauth

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1

// MaxRedirectURIBytes bounds a redirect URI.
const MaxRedirectURIBytes = 2 << 10

// CheckRedirectURI says whether uri may be registered: absolute, without
// fragment, userinfo, backslash, control or non-ASCII bytes; https, or http on
// loopback only, or a private-use scheme with a dot in it (RFC 8252 §7.1).
func CheckRedirectURI(uri string) error {
	if err := checkURIText(uri); err != nil {
		return err
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("is not a URI")
	}
	switch {
	case u.Scheme == "":
		return errors.New("is not absolute: begin it with a scheme such as https://")
	case strings.Contains(uri, "#"):
		return errors.New("has a fragment")
	case u.User != nil:
		return errors.New("has a user name in it")
	case !plainHost(u.Hostname()):
		return errors.New("has a host with characters other than letters, digits, dots, - and _")
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return errors.New("names no host")
		}
	case u.Scheme == "http":
		if !IsLoopbackHost(u.Hostname()) {
			return errors.New("uses http for a host that is not loopback: use https")
		}
	case !strings.Contains(u.Scheme, "."):
		return errors.New("uses a scheme that is neither https nor a private one in reverse domain order, such as com.example.app (RFC 8252 section 7.1)")
	}
	return nil
}

// plainHost refuses the signs that net/url lets a host name have, such as "*"
// and ";": the host goes into the policy of our pages, where these mean
// something.
func plainHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		if !unreserved(c) && c != ':' || c == '~' {
			return false
		}
	}
	return true
}

func checkURIText(uri string) error {
	if uri == "" || len(uri) > MaxRedirectURIBytes {
		return errors.New("is empty or too long")
	}
	for i := range len(uri) {
		if c := uri[i]; c <= 0x20 || c >= 0x7f || c == '\\' {
			return errors.New("has a space, a backslash, a control or a non-ASCII character")
		}
	}
	return nil
}

// MatchRedirectURI says whether requested is one of the registered URIs: byte
// for byte, except that the port of a registered http://127.0.0.1 or
// http://[::1] URI may vary, since a native app takes whatever port the system
// gives it (RFC 8252 §7.3).
func MatchRedirectURI(requested string, registered []string) bool {
	if checkURIText(requested) != nil || strings.Contains(requested, "#") {
		return false
	}
	for _, uri := range registered {
		if requested == uri || matchLoopback(requested, uri) {
			return true
		}
	}
	return false
}

func matchLoopback(requested, registered string) bool {
	for _, origin := range []string{"http://127.0.0.1", "http://[::1]"} {
		restRequested, ok1 := strings.CutPrefix(requested, origin)
		restRegistered, ok2 := strings.CutPrefix(registered, origin)
		if ok1 && ok2 {
			pathRequested, ok3 := cutPort(restRequested)
			pathRegistered, ok4 := cutPort(restRegistered)
			return ok3 && ok4 && pathRequested == pathRegistered
		}
	}
	return false
}

// cutPort takes ":digits" off the front of what follows a host; the rest must
// begin a path or a query, so that "http://127.0.0.1:1@evil" never passes.
func cutPort(rest string) (string, bool) {
	if digits, ok := strings.CutPrefix(rest, ":"); ok {
		n := 0
		for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
			n++
		}
		if _, err := strconv.ParseUint(digits[:n], 10, 16); err != nil {
			return "", false
		}
		rest = digits[n:]
	}
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?'
}

// IsLoopbackHost says whether host (without port) can only be this machine:
// localhost, 127.0.0.0/8 or ::1.
func IsLoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// RedirectOrigin is what a page may name as the target of a redirect URI in
// its form-action policy and to the user: scheme and host, or the scheme alone
// of a private-use URI.
func RedirectOrigin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

package oauth

import (
	"errors"
	"net/url"
	"path"
	"strings"
)

// RFC 8414 §2, OpenID Connect Discovery §4

// CheckIssuer says whether issuer may identify an authorization server: an
// https URL (http for loopback only) without query, fragment, userinfo,
// trailing slash or anything that would read differently after normalising.
func CheckIssuer(issuer string) error {
	if err := checkURIText(issuer); err != nil {
		return err
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return errors.New("is not an absolute URL such as https://auth.example.com/oauth2")
	}
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !IsLoopbackHost(u.Hostname())):
		return errors.New("must use https (http is for loopback only)")
	case u.User != nil || strings.ContainsAny(issuer, "?#"):
		return errors.New("must not have a user name, query or fragment")
	case strings.HasSuffix(issuer, "/"):
		return errors.New("must not end in a slash")
	case u.String() != issuer || !normalHost(u) || !normalPath(u.Path) || strings.Contains(issuer, "%"):
		return errors.New("must be written in its normal form: host in lower case without the scheme's own port, path without escapes, dot segments or double slashes")
	}
	return nil
}

func normalHost(u *url.URL) bool {
	ownPort := u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80"
	return u.Host == strings.ToLower(u.Host) && u.Hostname() != "" && !ownPort && !strings.HasSuffix(u.Host, ":")
}

func normalPath(p string) bool { return p == "" || path.Clean(p) == p }

// Origin is scheme and host of a URL that CheckIssuer accepted.
func Origin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

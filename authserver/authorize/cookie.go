package authorize

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6265 §4.1.2, draft-ietf-httpbis-rfc6265bis §4.1.3

// scriptedCookie is the cookie in which programs show a session that they got
// from /json/authenticate. We never set it.
const scriptedCookie = "iPlanetDirectoryPro"

// cookies are the names and the manner of the two cookies that we set.
type cookies struct {
	// session carries a browser session; form ties forms to a browser that has
	// none yet (PG4).
	session, form string
	secure        bool
}

// newCookies names the cookies of an issuer. Realms share an origin and have
// sessions of their own, so each has its own names. The __Host- prefix, which
// keeps other hosts of the domain from planting a cookie, asks for Secure and
// thus for https.
func newCookies(issuer string) cookies {
	sum := sha256.Sum256([]byte(issuer))
	suffix := hex.EncodeToString(sum[:4])
	c := cookies{session: "oauth2_" + suffix, form: "oauth2_form_" + suffix}
	if c.secure = strings.HasPrefix(issuer, "https:"); c.secure {
		c.session, c.form = "__Host-"+c.session, "__Host-"+c.form
	}
	return c
}

// read is the value of a cookie, empty when it was not sent.
func (c cookies) read(req *http.Request, name string) oauth.Secret {
	cookie, err := req.Cookie(name)
	if err != nil {
		return oauth.Secret{}
	}
	return oauth.NewSecret(cookie.Value)
}

// set gives the browser a cookie until it is closed; the store bounds a session
// besides. Lax lets it come along when a client sends the user here.
func (c cookies) set(w http.ResponseWriter, name string, value oauth.Secret) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value.Reveal(), Path: "/",
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// digestOf names a cookie in form tokens.
func digestOf(cookie oauth.Secret) string {
	sum := cookie.Digest()
	return hex.EncodeToString(sum[:])
}

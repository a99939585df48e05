package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6265 §4.1.2, draft-ietf-httpbis-rfc6265bis §4.1.3

// ScriptedCookie is the cookie in which programs show a session that they got
// from /json/authenticate. We never set it.
const ScriptedCookie = "iPlanetDirectoryPro"

// Cookies are the names and the manner of the cookies that we set.
type Cookies struct {
	// Session carries a browser session. Form ties forms to a browser that has none
	// yet (PG4). SignIn carries a sign-in that is not complete, sealed.
	Session, Form, SignIn string
	secure                bool
}

// newCookies names the cookies of an issuer. Realms share an origin and have
// sessions of their own, so each has its own names. The __Host- prefix, which
// keeps other hosts of the domain from planting a cookie, asks for Secure and
// thus for https.
func newCookies(issuer string) Cookies {
	sum := sha256.Sum256([]byte(issuer))
	suffix := hex.EncodeToString(sum[:4])
	c := Cookies{Session: "oauth2_" + suffix, Form: "oauth2_form_" + suffix, SignIn: "oauth2_signin_" + suffix}
	if c.secure = strings.HasPrefix(issuer, "https:"); c.secure {
		for _, name := range []*string{&c.Session, &c.Form, &c.SignIn} {
			*name = "__Host-" + *name
		}
	}
	return c
}

// Read is the value of a cookie, empty when it was not sent.
func (Cookies) Read(req *http.Request, name string) oauth.Secret {
	cookie, err := req.Cookie(name)
	if err != nil {
		return oauth.Secret{}
	}
	return oauth.NewSecret(cookie.Value)
}

// Set gives the browser a cookie until it is closed; the store bounds a session
// besides. Lax lets it come along when a client sends the user here.
func (c Cookies) Set(w http.ResponseWriter, name string, value oauth.Secret) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value.Reveal(), Path: "/",
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Remove takes a cookie from the browser.
func (c Cookies) Remove(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Digest names a cookie in form tokens.
func Digest(cookie oauth.Secret) string {
	sum := cookie.Digest()
	return hex.EncodeToString(sum[:])
}

package pages

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Login is the sign-in page. Its form posts to the page's own address, fields
// username, password and form_token.
type Login struct {
	// ClientName is who the user signs in for.
	ClientName string
	// Username fills the field (login_hint, or what was typed before).
	Username string
	// Message is a fixed text about what went wrong, "" at first.
	Message string
	// FormToken ties the form to this browser.
	FormToken oauth.Secret
	// FormTarget is the origin that the browser may be sent on to after the
	// form, for the form-action policy.
	FormTarget string
}

// Token is the form token in the clear, for the template.
func (p Login) Token() string { return p.FormToken.Reveal() }

// WriteLogin asks who the user is. A status other than 200 goes with a Message.
func WriteLogin(w http.ResponseWriter, status int, page Login) {
	write(w, status, "login.html", page, formAction("'self'", originSource(page.FormTarget)))
}

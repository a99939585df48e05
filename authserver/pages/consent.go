package pages

import (
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Consent is the page that asks the user. Its form posts to the page's own
// address, fields form_token and decision (allow or deny).
type Consent struct {
	ClientName string
	// Account is who is signed in, as shown to them.
	Account string
	// RedirectOrigin is where the answer goes.
	RedirectOrigin string
	// Scopes are the scope tokens asked for; Claims are the claims asked for by
	// name that no scope among them stands for.
	Scopes, Claims []string
	FormToken      oauth.Secret
}

// Token is the form token in the clear, for the template.
func (p Consent) Token() string { return p.FormToken.Reveal() }

func (p Consent) page() (string, []string) {
	return "consent.html", []string{formAction("'self'", originSource(p.RedirectOrigin))}
}

package pages

import (
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OAuth 2.0 Form Post Response Mode §2

// FormPost is the page that carries an answer to a client. A script sends its
// form; without scripts its button does.
type FormPost struct {
	RedirectURI string
	// Parameters are the names and values, in order.
	Parameters [][2]string
}

// Origin is where the answer goes, for the button.
func (p FormPost) Origin() string { return oauth.RedirectOrigin(p.RedirectURI) }

func (p FormPost) page() (string, []string) {
	return "formpost.html", []string{formAction(originSource(p.Origin()))}
}

func (FormPost) script() string { return assetSubmit }

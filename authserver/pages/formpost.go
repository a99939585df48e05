package pages

import (
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OAuth 2.0 Form Post Response Mode §2

// submitScript sends the one form of the page. Without scripts its button does.
const submitScript = "document.forms[0].submit()"

// FormPost is the page that carries an answer to a client.
type FormPost struct {
	RedirectURI string
	// Parameters are the names and values, in order.
	Parameters [][2]string
}

// Origin is where the answer goes, for the button.
func (p FormPost) Origin() string { return oauth.RedirectOrigin(p.RedirectURI) }

func (p FormPost) page() (string, []string) {
	return "formpost.html", []string{"script-src " + scriptSource, formAction(originSource(p.Origin()))}
}

package pages

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// OAuth 2.0 Form Post Response Mode §2

// submitScript sends the one form of the page. Without scripts its button does.
const submitScript = "document.forms[0].submit()"

// formPost is the page that carries an answer to a client.
type formPost struct {
	RedirectURI, Origin string
	Parameters          [][2]string
}

// WriteFormPost answers with a page that posts parameters to a client's
// redirect URI, by itself where scripts run. The URI must be http or https.
func WriteFormPost(w http.ResponseWriter, redirectURI string, parameters [][2]string) {
	origin := oauth.RedirectOrigin(redirectURI)
	write(w, http.StatusOK, "formpost.html", formPost{redirectURI, origin, parameters},
		"script-src "+scriptSource, formAction(originSource(origin)))
}

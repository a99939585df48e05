package browser

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// SeeOther sends the browser on with a GET. 303 is the one status that never makes
// it repeat a POST, password and all, to someone else (RFC 9700 §4.12).
func SeeOther(w http.ResponseWriter, location string) {
	GoTo(w, http.StatusSeeOther, location)
}

// GoTo is SeeOther with another status of a redirect.
func GoTo(w http.ResponseWriter, status int, location string) {
	wire.NoStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(status)
}

// Language is the one that a page in answer to a request speaks: what its query
// asks for (ui_locales), else what the browser prefers.
func (b *Browser) Language(req *http.Request) pages.Language {
	form, err := oauth.ParseForm(req.URL.RawQuery, "resource")
	if err != nil {
		form = oauth.Form{}
	}
	return b.realm.Pages.Language(form.Get("ui_locales"), req.Header)
}

// Fail shows the person a page: there is nobody else to tell, or we cannot answer
// now. endpoint names whose fault it is, for the log.
func (b *Browser) Fail(w http.ResponseWriter, req *http.Request, endpoint string, err error) {
	b.realm.Fault(req.Context(), endpoint, err)
	answer := oauth.AsError(err)
	message := pages.CannotAnswer
	if answer.Status >= http.StatusInternalServerError {
		message = pages.TryAgain
	}
	wire.Hints(w.Header(), answer)
	b.realm.Pages.Write(w, b.Language(req), answer.Status, pages.Failure{Message: message, Detail: answer.Description})
}

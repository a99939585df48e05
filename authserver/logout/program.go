package logout

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// program answers scripts of a realm with /json/authenticate, which AM let end a
// session by its ID token: with 302 to the client, or with 204. There is nobody to
// ask and no page to show. A request that bears a mark of a browser, or a cookie of
// one, is none of theirs.
func (e *Endpoint) program(w http.ResponseWriter, req *http.Request, r *request) bool {
	cookies := e.browser.Cookies
	if !e.realm.JSONAuthenticates() || !browser.Program(req) || !cookies.Read(req, cookies.Session).Empty() {
		return false
	}
	ctx := req.Context()
	session, err := e.realm.Sessions.Known(ctx, cookies.Read(req, browser.ScriptedCookie), e.realm.Now())
	if err == nil && session.Kind != store.SessionJSON {
		session = store.Session{}
	}
	switch {
	case err != nil:
		e.fail(w, req, err)
		return true
	case session.ID != "":
		err = e.end(ctx, r, session.ID, session.Subject)
	case r.Hinted && r.Session != "":
		err = e.end(ctx, r, r.Session, r.subject)
	default:
		return false
	}
	switch {
	case err != nil:
		e.fail(w, req, err)
	case r.RedirectURI != "":
		browser.GoTo(w, redirectStatus(req), r.location())
	default:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	}
	return true
}

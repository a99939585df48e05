package signin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Sign-in at a site of a service's own: login.Redirects.

// failedElsewhere ends the address of a sign-in page to which somebody came back
// without having signed in.
const failedElsewhere = "&failed=elsewhere"

// clockSkew is how much another site's clock may differ from ours.
const clockSkew = time.Minute

// depart sends the browser to another site, with the errand sealed in a cookie.
func (e *Endpoint) depart(w http.ResponseWriter, req *http.Request, errand *Errand, name string) {
	service, ok := e.realm.Services[name].(login.Redirects)
	if !ok {
		e.fail(w, req, oauth.InvalidRequest("There is no such way to sign in here."))
		return
	}
	again := errand.Again || errand.MaxAge >= 0
	location, kept, err := service.Depart(req.Context(), login.Departure{
		Callback: e.realm.URL("login/callback"), Hint: errand.Hint, Again: again,
		Languages: append(strings.Fields(errand.Locales), string(e.realm.Pages.Language(errand.Locales, req.Header))),
	})
	if err == nil && len(kept) > login.MaxKept {
		err = errors.New("the authentication service " + name + " has the browser keep more than it may")
	}
	if err != nil {
		e.fail(w, req, err)
		return
	}
	named := e.browser.Cookies.Read(req, e.browser.Cookies.Form)
	p := &pending{
		Browser: browser.Digest(named), Errand: Digest(errand.Query), Since: e.realm.Now().Unix(), Method: "service",
		Away: &away{Service: name, Kept: kept, Query: errand.Query, Again: again},
	}
	if e.keep(w, req, p) {
		browser.SeeOther(w, location)
	}
}

// Callback is where other sites send browsers back to.
func (e *Endpoint) Callback(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodGet {
		e.fail(w, req, oauth.MethodNotAllowed(http.MethodGet))
		return
	}
	query, err := readQuery(req.URL.RawQuery)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	p, err := e.kept(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if p == nil || p.Away == nil {
		// Another browser, too late, twice, or another tab has begun meanwhile.
		e.fail(w, req, &oauth.Error{
			Code: oauth.CodeInvalidRequest, Status: http.StatusForbidden,
			Description: "This sign-in is over, or was begun in another window. Go back to the application and start again.",
		})
		return
	}
	if errand := e.read(w, req, p.Away.Query); errand != nil {
		e.arrive(w, req, errand, p, query)
	}
}

// readQuery reads the parameters of another site, within the bounds of ours.
func readQuery(raw string) (url.Values, error) {
	if _, err := oauth.ParseForm(raw); err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, oauth.InvalidRequest("The query is malformed.")
	}
	return query, nil
}

// arrive signs in whoever the other site says it is.
func (e *Endpoint) arrive(w http.ResponseWriter, req *http.Request, errand *Errand, p *pending, query url.Values) {
	ctx, sent := req.Context(), e.realm.Now()
	service, ok := e.realm.Services[p.Away.Service].(login.Redirects)
	if !ok {
		// A new configuration has taken it away.
		e.forget(w, req, errand)
		e.restart(w, errand)
		return
	}
	arrival, err := service.Arrive(ctx, query, e.realm.URL("login/callback"), p.Away.Kept)
	var subject string
	if err == nil && p.Away.Again && arrival.At.Before(time.Unix(p.Since, 0).Add(-clockSkew)) {
		// It was asked for a new sign-in and does not vouch for one (PG18).
		err = &login.RedirectRefused{Reason: login.NotAgain, Err: errors.New("the other site does not say that the user has just signed in")}
	}
	if err == nil {
		subject, err = e.realm.SubjectOf(ctx, arrival.Account)
	}
	switch {
	case errors.Is(err, login.ErrCredentials), errors.Is(err, login.ErrNoAccount):
		e.realm.Log.InfoContext(ctx, "a sign-in at another site did not succeed", "realm", e.realm.Name, "service", p.Away.Service, "error", err)
		e.realm.TellSignInFailed(ctx, err, failed(errand))
		browser.SeeOther(w, e.realm.URL("login")+"?"+errand.Query+failedElsewhere)
	case err != nil:
		e.fail(w, req, err)
	default:
		// What is kept for the other site has been used.
		e.forget(w, req, errand)
		e.signedIn(w, req, errand, sent, arrival.Account, subject, "service", arrival.AMR...)
	}
}

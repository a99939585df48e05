package logout

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// OpenID Connect RP-Initiated Logout §2 and §3

const (
	// formLifetime is how long the page that asks may be left open.
	formLifetime = 10 * time.Minute
	// sealedPurpose is what a request is sealed for that travels in our own URL.
	sealedPurpose = "logout"
)

// Endpoint is where people of one realm sign out.
type Endpoint struct {
	realm   *realm.Realm
	browser *browser.Browser
}

// New makes the Endpoint of a realm. It answers at the realm's URL
// "connect/endSession".
func New(r *realm.Realm) *Endpoint { return &Endpoint{realm: r, browser: browser.New(r)} }

// ServeHTTP signs somebody out, or asks first.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodGet:
		e.get(w, req)
	case http.MethodPost:
		e.post(w, req)
	default:
		e.fail(w, req, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost))
	}
}

// read takes the request out of our own URL.
func (e *Endpoint) read(req *http.Request) (*request, error) {
	form, err := oauth.ParseForm(req.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if !form.Has("request") {
		return e.parse(form)
	}
	r := new(request)
	if err := e.browser.Forms.Open(sealedPurpose, form.Secret("request"), e.realm.Now(), r); err != nil {
		return new(request), nil // too old, or nobody's: just a person who signs out
	}
	return r, e.resolve(r)
}

func (e *Endpoint) get(w http.ResponseWriter, req *http.Request) {
	r, err := e.read(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if e.program(w, req, r) {
		return
	}
	session, err := e.session(req)
	switch {
	case err != nil:
		e.fail(w, req, err)
	case session.ID == "":
		e.done(w, req, r, false)
	// The client holds a token of this very session: it knows what it asks for.
	case r.Hinted && r.Session == session.ID:
		e.signOut(w, req, r, session)
	default:
		e.ask(w, req, r, session)
	}
}

// post takes the form of our own page, or a request that a client's page has
// posted. With that our Lax cookies do not come along, but with the GET that
// follows; sealed, no token of the request stands in its URL.
func (e *Endpoint) post(w http.ResponseWriter, req *http.Request) {
	form, err := wire.ReadBody(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if form.Has("form_token") {
		e.answer(w, req, form)
		return
	}
	r, err := e.parse(form)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if e.program(w, req, r) {
		return
	}
	sealed, err := e.browser.Forms.Seal(sealedPurpose, r, e.realm.Now().Add(requestLifetime))
	if err != nil {
		e.fail(w, req, oauth.InvalidRequest("The request is too large.").WithCause(err))
		return
	}
	browser.SeeOther(w, e.realm.URL("connect/endSession")+"?request="+url.QueryEscape(sealed.Reveal()))
}

// session finds the session of this browser. What its account is like does not
// matter: people can sign out while nobody can say.
func (e *Endpoint) session(req *http.Request) (store.Session, error) {
	session, err := e.realm.Sessions.Known(req.Context(), e.browser.Cookies.Read(req, e.browser.Cookies.Session), e.realm.Now())
	if err != nil || session.Kind != store.SessionBrowser {
		return store.Session{}, err
	}
	return session, nil
}

// ask shows the page that asks.
func (e *Endpoint) ask(w http.ResponseWriter, req *http.Request, r *request, session store.Session) {
	name := session.Subject
	if account, err := e.realm.Account(req.Context(), session.Account); err == nil && account.Username != "" {
		name = account.Username
	}
	page := pages.SignOut{ClientName: r.clientName(), Account: name}
	page.FormToken = e.browser.Forms.Issue(claim(session, r), e.realm.Now().Add(formLifetime))
	if r.RedirectURI != "" {
		page.FormTarget = oauth.RedirectOrigin(r.RedirectURI)
	}
	e.realm.Pages.Write(w, e.language(req, r), http.StatusOK, page)
}

// claim ties the form to one session and one request.
func claim(session store.Session, r *request) pages.FormClaim {
	return pages.FormClaim{Purpose: "logout", Browser: session.Digest, Request: r.digest()}
}

// answer acts on what the person decided. Who is signed out already, by the same
// form or in another tab, has what they wanted (PG10).
func (e *Endpoint) answer(w http.ResponseWriter, req *http.Request, form oauth.Form) {
	if err := e.browser.CheckOrigin(req); err != nil {
		e.fail(w, req, err)
		return
	}
	r, err := e.read(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	session, err := e.session(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if session.ID == "" {
		e.done(w, req, r, false)
		return
	}
	if _, genuine := e.browser.Forms.Check(form.Secret("form_token"), claim(session, r), e.realm.Now()); !genuine {
		e.realm.Pages.Write(w, e.language(req, r), http.StatusForbidden, pages.Failure{Message: pages.FormExpired})
		return
	}
	switch form.Get("decision") {
	case "sign_out":
		e.signOut(w, req, r, session)
	case "stay":
		browser.SeeOther(w, e.realm.URL("account"))
	default:
		e.fail(w, req, oauth.InvalidRequest("decision must be sign_out or stay."))
	}
}

// signOut ends the session of this browser, and then says so.
func (e *Endpoint) signOut(w http.ResponseWriter, req *http.Request, r *request, session store.Session) {
	if err := e.end(req.Context(), r, session.ID, session.Subject); err != nil {
		e.fail(w, req, err)
		return
	}
	e.done(w, req, r, true)
}

// end ends a session with all that does not outlive it. The step that ends it
// notes which clients are to be told.
func (e *Endpoint) end(ctx context.Context, r *request, sessionID, subject string) error {
	ended, err := e.realm.Revocations.RevokeSession(ctx, e.realm.Name, sessionID, e.realm.Now())
	if err != nil {
		return err
	}
	if ended.Sessions > 0 { // else another request has told
		e.realm.Tell(ctx, audit.Record{
			Event: audit.SessionEnded, Actor: audit.ByUser, ClientID: r.Client, Subject: subject, SessionID: sessionID,
			Details: audit.Details{{Key: audit.Reason, Value: "signed_out"}, {Key: audit.Count, Value: strconv.Itoa(ended.Grants)}},
		})
	}
	return nil
}

// done takes the cookies of the session, and sends the person back to a client
// that has shown a token of ours, or that they agreed to. Else there is a link at
// most, for them to decide.
func (e *Endpoint) done(w http.ResponseWriter, req *http.Request, r *request, agreed bool) {
	cookies := e.browser.Cookies
	for _, name := range []string{cookies.Session, cookies.SignIn, cookies.Form} {
		if !cookies.Read(req, name).Empty() {
			cookies.Remove(w, name)
		}
	}
	if r.RedirectURI != "" && (r.Hinted || agreed) {
		browser.GoTo(w, redirectStatus(req), r.location())
		return
	}
	page := pages.SignedOut{ClientName: r.clientName()}
	if r.RedirectURI != "" {
		page.ReturnTo = r.location()
	}
	e.realm.Pages.Write(w, e.language(req, r), http.StatusOK, page)
}

func (e *Endpoint) language(req *http.Request, r *request) pages.Language {
	return e.realm.Pages.Language(r.Locales, req.Header)
}

// redirectStatus never makes a browser repeat a POST to somebody else.
func redirectStatus(req *http.Request) int {
	if req.Method == http.MethodGet {
		return http.StatusFound
	}
	return http.StatusSeeOther
}

// fail shows a page that says what is wrong in fixed words (PG13).
func (e *Endpoint) fail(w http.ResponseWriter, req *http.Request, err error) {
	e.browser.Fail(w, req, "connect/endSession", err)
}

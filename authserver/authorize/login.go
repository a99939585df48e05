package authorize

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect Core §3.1.2.3

// loginFormLifetime is how long a sign-in page may be left open.
const loginFormLifetime = time.Hour

// Login shows the sign-in page of an authorization request, and takes its form.
func (e *Endpoint) Login(w http.ResponseWriter, req *http.Request) {
	r := e.openPage(w, req)
	switch {
	case r == nil:
	case req.Method == http.MethodGet:
		e.showLogin(w, req, r, http.StatusOK, r.loginHint, "")
	default:
		e.takeLogin(w, req, r)
	}
}

// openPage reads the authorization request in the address of a page of ours.
// When there is no page to show, it has answered and gives nil.
func (e *Endpoint) openPage(w http.ResponseWriter, req *http.Request) *request {
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		e.fail(req.Context(), w, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost))
		return nil
	}
	form, err := oauth.ParseForm(req.URL.RawQuery, "resource")
	if err != nil {
		e.fail(req.Context(), w, err)
		return nil
	}
	r := e.open(req.Context(), w, form)
	if r != nil && r.prompts(promptNone) {
		e.goTo(w, "authorize", r.encode())
		return nil
	}
	return r
}

// showLogin writes the sign-in page. A failed sign-in is 403 and not 401, which
// would have to name an HTTP authentication scheme (RFC 9110 §15.5.2).
func (e *Endpoint) showLogin(w http.ResponseWriter, req *http.Request, r *request, status int, username string, message pages.Message) {
	named := e.browser.FormCookie(w, req)
	e.realm.Pages.Write(w, e.language(req, r), status, pages.Login{
		Form: pages.Form{
			FormToken:  e.browser.Forms.Issue(loginClaim(named, r), e.realm.Now().Add(loginFormLifetime)),
			FormTarget: oauth.RedirectOrigin(r.redirectURI),
			Message:    message,
		},
		ClientName: r.client.DisplayName(),
		Username:   username,
	})
}

// language is the one that the pages of a request speak.
func (e *Endpoint) language(req *http.Request, r *request) pages.Language {
	return e.realm.Pages.Language(r.form.Get("ui_locales"), req.Header)
}

// loginClaim ties a sign-in form to a browser that has no session yet, so that
// nobody can be signed in to a stranger's account (PG4).
func loginClaim(named oauth.Secret, r *request) pages.FormClaim {
	return pages.FormClaim{Purpose: "login", Browser: browser.Digest(named), Request: r.digest()}
}

// takeLogin signs the user in and sends the browser back to the authorization
// endpoint.
func (e *Endpoint) takeLogin(w http.ResponseWriter, req *http.Request, r *request) {
	ctx, now := req.Context(), e.realm.Now()
	form, err := e.browser.ReadForm(req)
	if err != nil {
		e.fail(ctx, w, err)
		return
	}
	username := form.Get("username")
	named := e.browser.Cookies.Read(req, e.browser.Cookies.Form)
	_, genuine := e.browser.Forms.Check(form.Secret("form_token"), loginClaim(named, r), now)
	switch {
	case !genuine:
		e.showLogin(w, req, r, http.StatusForbidden, username, pages.StaleForm)
		return
	case username == "" || !form.Has("password"):
		e.showLogin(w, req, r, http.StatusBadRequest, username, pages.NoCredentials)
		return
	}
	failed := audit.Record{ClientID: r.client.ID}
	account, subject, err := e.realm.SignIn(ctx, realm.Attempt{
		Service: e.realm.DefaultService, Username: username, Password: form.Secret("password"), Record: failed,
	})
	switch {
	case errors.Is(err, login.ErrLimited):
		w.Header().Set("Retry-After", strconv.Itoa(int(login.RetryAfter(err).Seconds())))
		e.showLogin(w, req, r, http.StatusTooManyRequests, username, pages.TooManyAttempts)
		return
	case errors.Is(err, login.ErrCredentials):
		e.showLogin(w, req, r, http.StatusForbidden, username, pages.WrongCredentials)
		return
	case err != nil:
		e.fail(ctx, w, err)
		return
	case !r.concerns(subject):
		failed.Subject = subject
		e.realm.TellSignInFailed(ctx, realm.ErrAnotherUser, failed)
		e.respondError(w, r.target, oauth.NewError(oauth.CodeLoginRequired, "Another user signed in than the one asked for."))
		return
	}
	previous := e.browser.Cookies.Read(req, e.browser.Cookies.Session)
	ended, err := e.realm.Sessions.Known(ctx, previous, now)
	if err != nil {
		e.fail(ctx, w, err)
		return
	}
	cookie, session, err := e.realm.Sessions.Start(ctx, store.SessionBrowser, e.realm.SignedIn(account, subject, login.AMRPassword), previous, now)
	if err != nil {
		e.fail(ctx, w, err)
		return
	}
	if ended.ID != "" {
		e.realm.Tell(ctx, audit.Record{
			Event: audit.SessionEnded, Actor: audit.ByUser, Subject: ended.Subject, SessionID: ended.ID,
			Details: audit.Details{{Key: audit.Reason, Value: "replaced"}},
		})
	}
	e.realm.Tell(ctx, audit.Record{
		Event: audit.SignIn, Actor: audit.ByUser, ClientID: r.client.ID, Subject: subject, SessionID: session.ID,
		Details: audit.Details{{Key: audit.Method, Value: "page"}},
	})
	e.browser.Cookies.Set(w, e.browser.Cookies.Session, cookie)
	e.goTo(w, "authorize", r.afterLogin())
}

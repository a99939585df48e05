package authorize

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// OpenID Connect Core §3.1.2.3

// loginFormLifetime is how long a sign-in page may be left open.
const loginFormLifetime = time.Hour

// What the sign-in page says. Unknown users, wrong passwords and disabled
// accounts are told the same (PG16).
const (
	wrongCredentials = "Wrong username or password."
	noCredentials    = "Enter your username and your password."
	staleForm        = "This form has expired. Please sign in again, and allow cookies for this site."
)

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

// readPageForm reads the body of a form of ours. It refuses one that another
// site posted (PG3).
func (e *Endpoint) readPageForm(req *http.Request) (oauth.Form, error) {
	if !pages.SameOrigin(req.Header, e.origin) {
		refused := oauth.InvalidRequest("The form was not sent by a page of this site.")
		refused.Status = http.StatusForbidden
		return oauth.Form{}, refused
	}
	return wire.ReadBody(req)
}

// showLogin writes the sign-in page. A failed sign-in is 403 and not 401, which
// would have to name an HTTP authentication scheme (RFC 9110 §15.5.2).
func (e *Endpoint) showLogin(w http.ResponseWriter, req *http.Request, r *request, status int, username, message string) {
	browser := e.cookies.read(req, e.cookies.form)
	if browser.Empty() {
		browser = oauth.NewSecret(rand.Text())
		e.cookies.set(w, e.cookies.form, browser)
	}
	pages.WriteLogin(w, status, pages.Login{
		ClientName: r.client.DisplayName(),
		Username:   username,
		Message:    message,
		FormToken:  e.formKey.Issue(loginClaim(browser, r), e.realm.Now().Add(loginFormLifetime)),
		FormTarget: oauth.RedirectOrigin(r.redirectURI),
	})
}

// loginClaim ties a sign-in form to a browser that has no session yet, so that
// nobody can be signed in to a stranger's account (PG4).
func loginClaim(browser oauth.Secret, r *request) pages.FormClaim {
	return pages.FormClaim{Purpose: "login", Browser: digestOf(browser), Request: r.digest()}
}

// takeLogin signs the user in and sends the browser back to the authorization
// endpoint.
func (e *Endpoint) takeLogin(w http.ResponseWriter, req *http.Request, r *request) {
	ctx, now := req.Context(), e.realm.Now()
	form, err := e.readPageForm(req)
	if err != nil {
		e.fail(ctx, w, err)
		return
	}
	username := form.Get("username")
	browser := e.cookies.read(req, e.cookies.form)
	_, genuine := e.formKey.Check(form.Secret("form_token"), loginClaim(browser, r), now)
	switch {
	case !genuine:
		e.showLogin(w, req, r, http.StatusForbidden, username, staleForm)
		return
	case username == "" || !form.Has("password"):
		e.showLogin(w, req, r, http.StatusBadRequest, username, noCredentials)
		return
	}
	account, subject, err := e.authenticate(req, username, form.Secret("password"))
	failed := audit.Record{ClientID: r.client.ID}
	switch {
	case errors.Is(err, login.ErrCredentials):
		e.realm.TellSignInFailed(ctx, err, failed)
		e.showLogin(w, req, r, http.StatusForbidden, username, wrongCredentials)
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
	previous := e.cookies.read(req, e.cookies.session)
	ended, err := e.realm.Sessions.Known(ctx, previous, now)
	if err != nil {
		e.fail(ctx, w, err)
		return
	}
	cookie, session, err := e.realm.Sessions.Start(ctx, store.SessionBrowser, account, subject, previous, now)
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
	e.cookies.set(w, e.cookies.session, cookie)
	e.goTo(w, "authorize", r.afterLogin())
}

// authenticate finds the account of the credentials. login.ErrCredentials for
// whoever cannot sign in here, whatever the reason.
func (e *Endpoint) authenticate(req *http.Request, username string, password oauth.Secret) (login.Account, string, error) {
	ctx := req.Context()
	service, ok := e.realm.Services[e.realm.DefaultService]
	if !ok {
		return login.Account{}, "", errors.New("the realm has no default_authentication to sign users in with")
	}
	account, err := service.Authenticate(ctx, username, password)
	if errors.Is(err, login.ErrNoAccount) {
		return login.Account{}, "", login.ErrCredentials
	}
	if err != nil {
		return login.Account{}, "", err
	}
	subject, ok := e.realm.Subject(account.Account)
	if !ok {
		e.realm.Log.WarnContext(ctx, "an account bears the id of a client and cannot sign in; rename one of them",
			"realm", e.realm.Name, "service", account.Service, "account", account.ID)
		return login.Account{}, "", fmt.Errorf("%w: %w", realm.ErrSubjectTaken, login.ErrCredentials)
	}
	return account, subject, nil
}

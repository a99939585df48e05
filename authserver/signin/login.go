package signin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// OpenID Connect Core §3.1.2.3

// methodPage is a password on the page, in the audit log.
const methodPage = "page"

// Login shows the sign-in page of an errand, and takes its form.
func (e *Endpoint) Login(w http.ResponseWriter, req *http.Request) {
	errand := e.errand(w, req)
	switch {
	case errand == nil:
	case req.Method == http.MethodPost:
		e.takeLogin(w, req, errand)
	case !e.stepUp(w, req, errand):
		username, message := errand.Hint, pages.Message("")
		if strings.HasSuffix(req.URL.RawQuery, failedElsewhere) {
			message = pages.ElsewhereFailed
		}
		e.showLogin(w, req, errand, http.StatusOK, username, message)
	}
}

// stepUp goes on with the session of a browser that is good for the errand but not
// sure enough: what is missing is asked for alone. It says whether it answered.
func (e *Endpoint) stepUp(w http.ResponseWriter, req *http.Request, errand *Errand) bool {
	if errand.Again {
		return false
	}
	v, err := e.browser.Visitor(req)
	if err != nil {
		e.fail(w, req, err)
		return true
	}
	now := e.realm.Now()
	if v == browser.Nobody || !errand.Concerns(v.Session.Subject) || errand.MaxAge >= 0 && now.Sub(v.Session.AuthTime) > errand.MaxAge {
		return false
	}
	level := LevelOf(v.Session.AMR)
	if level >= errand.Least && (len(errand.Preferred) == 0 || level >= errand.Preferred[0]) {
		// Nothing is missing: whoever comes here wants to sign in.
		return false
	}
	p := &pending{
		Browser: browser.Digest(e.browser.FormCookie(w, req)), Errand: Digest(errand.Query),
		Account: v.Session.Account, Subject: v.Session.Subject, AMR: v.Session.AMR,
		Since: v.Session.AuthTime.Unix(), Session: v.Session.Digest, Method: methodPage,
	}
	s, err := e.situate(req, errand, p)
	if err != nil {
		e.fail(w, req, err)
		return true
	}
	switch s.next() {
	case askFactor, askPasskey:
		if e.keep(w, req, p) {
			e.goTo(w, "login/factor", errand)
		}
		return true
	case done:
		// It cannot become surer, and that was a wish.
		browser.SeeOther(w, errand.Done(Prove(e.browser.Forms, &v.Session, p.Errand, now)))
		return true
	}
	return false
}

// showLogin writes the sign-in page.
func (e *Endpoint) showLogin(w http.ResponseWriter, req *http.Request, errand *Errand, status int, username string, message pages.Message) {
	named := e.browser.FormCookie(w, req)
	page := pages.Login{
		Form:       e.form(named, errand, formLogin, message),
		ClientName: errand.ClientName,
		Username:   username,
		NoPassword: !e.passwords(),
		Services:   e.choices(),
	}
	if e.passkeys() {
		var err error
		if page.Passkey, err = e.factors.PasskeyRequest(req.Context(), anyPasskey(named)); err != nil {
			e.fail(w, req, err)
			return
		}
	}
	e.write(w, req, errand, status, page)
}

// passwords says whether people can sign in with a password.
func (e *Endpoint) passwords() bool {
	_, ok := e.realm.Services[e.realm.DefaultService].(login.Passwords)
	return ok
}

// choices are the services that sign people in at a site of their own.
func (e *Endpoint) choices() []pages.Choice {
	var list []pages.Choice
	for name, service := range e.realm.Services {
		if service, ok := service.(login.Redirects); ok {
			list = append(list, pages.Choice{Name: name, Label: service.Label()})
		}
	}
	slices.SortFunc(list, func(a, b pages.Choice) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// takeLogin takes the first factor.
func (e *Endpoint) takeLogin(w http.ResponseWriter, req *http.Request, errand *Errand) {
	form, err := e.browser.ReadForm(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	username := form.Get("username")
	switch {
	case !e.genuine(req, form, errand, formLogin):
		e.showLogin(w, req, errand, http.StatusForbidden, username, pages.StaleForm)
	case form.Has("service"):
		e.depart(w, req, errand, form.Get("service"))
	case form.Has("passkey"):
		e.takePasskey(w, req, errand, form.Get("passkey"))
	case !e.passwords():
		e.fail(w, req, oauth.InvalidRequest("Nobody signs in with a password here."))
	case username == "" || !form.Has("password"):
		e.showLogin(w, req, errand, http.StatusBadRequest, username, pages.NoCredentials)
	default:
		e.takePassword(w, req, errand, username, form.Secret("password"))
	}
}

func (e *Endpoint) takePassword(w http.ResponseWriter, req *http.Request, errand *Errand, username string, password oauth.Secret) {
	sent := e.realm.Now()
	account, subject, err := e.realm.SignIn(req.Context(), realm.Attempt{
		Service: e.realm.DefaultService, Username: username, Password: password, Record: failed(errand),
	})
	switch {
	case errors.Is(err, login.ErrLimited):
		retryAfter(w, err)
		e.showLogin(w, req, errand, http.StatusTooManyRequests, username, pages.TooManyAttempts)
	case errors.Is(err, login.ErrCredentials):
		e.showLogin(w, req, errand, http.StatusForbidden, username, pages.WrongCredentials)
	case err != nil:
		e.fail(w, req, err)
	default:
		e.signedIn(w, req, errand, sent, account, subject, methodPage, login.AMRPassword)
	}
}

// signedIn goes on with an account whose first factor was sent at a time, and proven.
func (e *Endpoint) signedIn(w http.ResponseWriter, req *http.Request, errand *Errand, sent time.Time, account login.Account, subject, method string, amr ...string) {
	if !errand.Concerns(subject) {
		record := failed(errand)
		record.Subject = subject
		e.realm.TellSignInFailed(req.Context(), realm.ErrAnotherUser, record)
		errand.Refuse(w, req, oauth.NewError(oauth.CodeLoginRequired, "Another user signed in than the one asked for."))
		return
	}
	named := e.browser.FormCookie(w, req)
	e.proceed(w, req, errand, begin(named, errand, account, subject, method, sent, amr), &account)
}

// failed is what is told of a sign-in that fails, but for its reason.
func failed(errand *Errand) audit.Record { return audit.Record{ClientID: errand.ClientID} }

package signin

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// Endpoint is the sign-in of one realm. Its methods answer at the realm's URLs
// "login", "login/factor", "login/enrol" and "login/callback".
type Endpoint struct {
	realm   *realm.Realm
	browser *browser.Browser
	open    Opener
	factors Factors
}

// Parts is what a sign-in is made of besides its realm.
type Parts struct {
	// Open reads the errands that are not our own.
	Open Opener
	// Factors are what accounts have besides passwords.
	Factors Factors
}

// New makes the Endpoint of a realm.
func New(r *realm.Realm, parts Parts) *Endpoint {
	return &Endpoint{realm: r, browser: browser.New(r), open: parts.Open, factors: parts.Factors}
}

// formLifetime is how long a page may be left open.
const formLifetime = time.Hour

// The purposes of forms.
const (
	formLogin  = "login"
	formFactor = "factor"
	formEnrol  = "enrol"
)

// form is what every form of an errand has. It works in the browser of a cookie
// alone, so that nobody can be signed in to a stranger's account (PG4).
func (e *Endpoint) form(named oauth.Secret, errand *Errand, purpose string, message pages.Message) pages.Form {
	return pages.Form{
		FormToken:  e.browser.Forms.Issue(formClaim(named, errand, purpose), e.realm.Now().Add(formLifetime)),
		FormTarget: errand.FormTarget,
		Message:    message,
	}
}

func formClaim(named oauth.Secret, errand *Errand, purpose string) pages.FormClaim {
	return pages.FormClaim{Purpose: purpose, Browser: browser.Digest(named), Request: Digest(errand.Query)}
}

// genuine says whether a form is one that form made for this browser.
func (e *Endpoint) genuine(req *http.Request, form oauth.Form, errand *Errand, purpose string) bool {
	named := e.browser.Cookies.Read(req, e.browser.Cookies.Form)
	_, ok := e.browser.Forms.Check(form.Secret("form_token"), formClaim(named, errand, purpose), e.realm.Now())
	return ok && !named.Empty()
}

// write answers with a page. A failed sign-in is 403 and not 401, which would have
// to name an HTTP authentication scheme (RFC 9110 §15.5.2).
func (e *Endpoint) write(w http.ResponseWriter, req *http.Request, errand *Errand, status int, page pages.Page) {
	e.realm.Pages.Write(w, e.realm.Pages.Language(errand.Locales, req.Header), status, page)
}

func (e *Endpoint) fail(w http.ResponseWriter, req *http.Request, err error) {
	e.browser.Fail(w, req, "login", err)
}

// passkeys says whether passkeys can be used.
func (e *Endpoint) passkeys() bool { return !e.realm.NoPasskeys && e.factors.HasPasskeys() }

// situate looks at how far a sign-in is.
func (e *Endpoint) situate(req *http.Request, errand *Errand, p *pending) (situation, error) {
	owner, has, err := e.realm.FactorsOf(req.Context(), p.Account, p.Subject, e.factors.Of)
	return situation{
		amr: p.AMR, fresh: p.fresh(), owner: owner, has: has, passkeys: e.passkeys(), policy: e.realm.SecondFactor,
		least: errand.Least, preferred: errand.Preferred,
	}, err
}

// proceed takes the next step of a sign-in. account is who is signing in, as of
// this request.
func (e *Endpoint) proceed(w http.ResponseWriter, req *http.Request, errand *Errand, p *pending, account *login.Account) {
	s, err := e.situate(req, errand, p)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	page := "login/enrol"
	switch s.next() {
	case done:
		e.complete(w, req, errand, p, account)
		return
	case signInAgain:
		e.restart(w, errand)
		return
	case unmet:
		e.refuseUnmet(w, req, errand)
		return
	case askFactor, askPasskey:
		page = "login/factor"
	}
	if e.keep(w, req, p) {
		e.goTo(w, page, errand)
	}
}

// refuseUnmet tells the client that its user cannot be made sure enough of. That
// ends the sign-in.
func (e *Endpoint) refuseUnmet(w http.ResponseWriter, req *http.Request, errand *Errand) {
	e.forget(w, req, errand)
	errand.Refuse(w, req, oauth.NewError(oauth.CodeUnmetAuthRequirements, "No sign-in of this user reaches the requested acr."))
}

// messageOf is what is said of a code or passkey that was refused; ok is false for
// a fault of ours.
func messageOf(err error) (message pages.Message, status int, ok bool) {
	switch {
	case errors.Is(err, factor.ErrWrongCode), errors.Is(err, login.ErrCredentials):
		return pages.WrongCode, http.StatusForbidden, true
	case errors.Is(err, login.ErrLimited):
		return pages.TooManyAttempts, http.StatusTooManyRequests, true
	case errors.Is(err, factor.ErrPasskey), errors.Is(err, factor.ErrExists), errors.Is(err, factor.ErrNotFound):
		return pages.PasskeyFailed, http.StatusForbidden, true
	}
	return "", 0, false
}

// retryAfter says when to try again.
func retryAfter(w http.ResponseWriter, err error) {
	wire.RetryAfter(w.Header(), login.RetryAfter(err))
}

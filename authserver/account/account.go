package account

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

const (
	// formLifetime is how long a page may be left open.
	formLifetime = time.Hour
	// freshFor is how long ago a sign-in may be for what changes how one signs in:
	// whoever finds a browser that was left signed in does not get to keep it.
	freshFor = 15 * time.Minute
)

// Endpoint is the account page of one realm with the pages below it.
type Endpoint struct {
	realm   *realm.Realm
	browser *browser.Browser
	factors Factors
}

// New makes the Endpoint of a realm. Its methods answer at the realm's URLs
// "account" and "account/password". factors may be nil.
func New(r *realm.Realm, factors Factors) *Endpoint {
	return &Endpoint{realm: r, browser: browser.New(r), factors: factors}
}

// Account shows the account page, and does what its buttons say.
func (e *Endpoint) Account(w http.ResponseWriter, req *http.Request) {
	v := e.enter(w, req)
	switch {
	case v == browser.Nobody:
	case req.Method == http.MethodPost:
		e.act(w, req, v)
	default:
		e.show(w, req, v, http.StatusOK, said(req))
	}
}

// enter finds who is signed in. When that is nobody, enter has answered.
func (e *Endpoint) enter(w http.ResponseWriter, req *http.Request) *browser.Visitor {
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		e.fail(w, req, oauth.MethodNotAllowed(http.MethodGet, http.MethodPost))
		return browser.Nobody
	}
	v, err := e.browser.Visitor(req)
	if err != nil {
		e.fail(w, req, err)
		return browser.Nobody
	}
	if v == browser.Nobody {
		e.signIn(w, req, 0)
	}
	return v
}

// signIn sends the browser to sign in and back. maxAge asks for a sign-in that is
// not older; 0 takes any.
func (e *Endpoint) signIn(w http.ResponseWriter, req *http.Request, maxAge time.Duration) {
	query := url.Values{"page": {"account"}}
	if maxAge > 0 {
		query.Set("max_age", strconv.Itoa(int(maxAge/time.Second)))
	}
	if locales := uiLocales(req); locales != "" {
		query.Set("ui_locales", locales)
	}
	seeOther(w, e.realm.URL("login")+"?"+query.Encode())
}

// claim ties a form of these pages to the session that was shown it.
func claim(v *browser.Visitor, page string) pages.FormClaim {
	return pages.FormClaim{Purpose: "account", Browser: v.Session.Digest, Request: page}
}

// form is that of one of these pages.
func (e *Endpoint) form(v *browser.Visitor, page string, message pages.Message) pages.Form {
	return pages.Form{FormToken: e.browser.Forms.Issue(claim(v, page), e.realm.Now().Add(formLifetime)), Message: message}
}

// readForm reads a form of these pages. ok is false when it is not good, and has
// been answered.
func (e *Endpoint) readForm(w http.ResponseWriter, req *http.Request, v *browser.Visitor, page string) (form oauth.Form, ok bool) {
	form, err := e.browser.ReadForm(req)
	if err != nil {
		e.fail(w, req, err)
		return form, false
	}
	if _, genuine := e.browser.Forms.Check(form.Secret("form_token"), claim(v, page), e.realm.Now()); !genuine {
		e.show(w, req, v, http.StatusForbidden, pages.StaleForm)
		return form, false
	}
	return form, true
}

// fresh says whether a sign-in is recent enough for what changes how one signs in.
func (e *Endpoint) fresh(v *browser.Visitor) bool {
	return e.realm.Now().Sub(v.Session.AuthTime) < freshFor
}

// done goes back to the account page, which says what was done. A reload of that
// page does nothing again (PG10).
func (e *Endpoint) done(w http.ResponseWriter, req *http.Request, message pages.Message) {
	query := url.Values{"said": {string(message)}}
	if locales := uiLocales(req); locales != "" {
		query.Set("ui_locales", locales)
	}
	seeOther(w, e.realm.URL("account")+"?"+query.Encode())
}

// said is what the page before has done: one of our own words, for anybody can
// write an address.
func said(req *http.Request) pages.Message {
	for _, message := range []pages.Message{
		pages.SignedOutThere, pages.AccessTaken, pages.FactorAdded, pages.FactorRemoved, pages.Saved,
	} {
		if req.URL.Query().Get("said") == string(message) {
			return message
		}
	}
	return ""
}

func uiLocales(req *http.Request) string { return req.URL.Query().Get("ui_locales") }

func (e *Endpoint) language(req *http.Request) pages.Language {
	return e.realm.Pages.Language(uiLocales(req), req.Header)
}

// fail shows what went wrong.
func (e *Endpoint) fail(w http.ResponseWriter, req *http.Request, err error) {
	e.realm.Fault(req.Context(), "account", err)
	answer := oauth.AsError(err)
	message := pages.CannotAnswer
	if answer.Status >= http.StatusInternalServerError {
		message = pages.TryAgain
	}
	if answer.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(answer.RetryAfter.Seconds())))
	}
	if answer.Allow != "" {
		w.Header().Set("Allow", answer.Allow)
	}
	e.realm.Pages.Write(w, e.language(req), answer.Status, pages.Failure{Message: message, Detail: answer.Description})
}

func seeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// Factors are the second factors of accounts.
type Factors interface {
	// List gives those of an account, and how many recovery codes are left.
	List(ctx context.Context, v *browser.Visitor) (factors []pages.AccountFactor, recoveryCodes int, err error)
	// Remove takes one off an account. An unknown one is no error.
	Remove(ctx context.Context, v *browser.Visitor, id string) error
}

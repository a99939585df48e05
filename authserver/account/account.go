package account

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
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
}

// New makes the Endpoint of a realm. Its methods answer at the realm's URLs
// "account", "account/password", "account/totp" and "account/passkey".
func New(r *realm.Realm) *Endpoint {
	return &Endpoint{realm: r, browser: browser.New(r)}
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
		e.signIn(w, req, false)
	}
	return v
}

// signIn sends the browser to sign in and back; again asks for it even of somebody
// who is signed in.
func (e *Endpoint) signIn(w http.ResponseWriter, req *http.Request, again bool) {
	query := url.Values{"page": {"account"}}
	if again {
		query.Set("prompt", "login")
	}
	if locales := uiLocales(req); locales != "" {
		query.Set("ui_locales", locales)
	}
	browser.SeeOther(w, e.realm.URL("login")+"?"+query.Encode())
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

// settled says whether somebody may change how one signs in: after a sign-in of a
// moment ago, and with a second factor when the account has one and the realm asks
// for it. Else the browser is sent to sign in again, and settled has answered.
func (e *Endpoint) settled(w http.ResponseWriter, req *http.Request, v *browser.Visitor) bool {
	_, enrolled, err := e.enrolled(req.Context(), v)
	if err != nil {
		e.fail(w, req, err)
		return false
	}
	if e.realm.Now().Sub(v.Session.AuthTime) < freshFor && (!e.realm.AsksFor(enrolled) || login.LevelOf(v.Session.AMR) >= login.LevelMultiple) {
		return true
	}
	e.signIn(w, req, true)
	return false
}

// done goes back to the account page, which says what was done. A reload of that
// page does nothing again (PG10).
func (e *Endpoint) done(w http.ResponseWriter, req *http.Request, message pages.Message) {
	query := url.Values{"said": {string(message)}}
	if locales := uiLocales(req); locales != "" {
		query.Set("ui_locales", locales)
	}
	browser.SeeOther(w, e.realm.URL("account")+"?"+query.Encode())
}

// goTo sends the browser to a page below the account page, back to the account page.
func (e *Endpoint) goTo(w http.ResponseWriter, req *http.Request, page string) {
	address := e.realm.URL(page)
	if locales := uiLocales(req); locales != "" {
		address += "?" + url.Values{"ui_locales": {locales}}.Encode()
	}
	browser.SeeOther(w, address)
}

func (e *Endpoint) back(w http.ResponseWriter, req *http.Request) { e.goTo(w, req, "account") }

// path is that of the account page, for links.
func (e *Endpoint) path() string {
	return strings.TrimPrefix(e.realm.URL("account"), oauth.Origin(e.realm.Issuer))
}

// write answers with a page that has a message about what was sent, or none.
func (e *Endpoint) write(w http.ResponseWriter, req *http.Request, message pages.Message, page pages.Page) {
	status := http.StatusOK
	if message != "" {
		status = http.StatusForbidden
	}
	e.realm.Pages.Write(w, e.browser.Language(req), status, page)
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

// fail shows what went wrong.
func (e *Endpoint) fail(w http.ResponseWriter, req *http.Request, err error) {
	e.browser.Fail(w, req, "account", err)
}

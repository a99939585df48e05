package authorize

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// visitor is who is signed in.
type visitor struct {
	session store.Session
	account login.Account
	cookie  oauth.Secret
	// scripted visitors are programs with a session of /json/authenticate: there
	// is nobody to show a page to, and the cookie is their csrf value.
	scripted bool
}

// nobody is signed in.
var nobody *visitor

// anyVisitor finds who sends a request to the authorization endpoint, a browser
// or a program.
func (e *Endpoint) anyVisitor(req *http.Request) (*visitor, error) {
	if cookie := e.cookies.read(req, scriptedCookie); e.realm.JSONAuthenticates() && !cookie.Empty() && !fromBrowser(req.Header) {
		v, err := e.signedIn(req.Context(), store.SessionJSON, cookie)
		if v != nobody || err != nil {
			return v, err
		}
	}
	return e.browserVisitor(req)
}

// browserVisitor finds who is signed in at a browser.
func (e *Endpoint) browserVisitor(req *http.Request) (*visitor, error) {
	return e.signedIn(req.Context(), store.SessionBrowser, e.cookies.read(req, e.cookies.session))
}

// signedIn reads the session of a cookie and what its account is like now. A
// session whose account is gone, or means someone else by now, is nobody's. So is
// one that was begun while all of its user was being revoked, for nothing that
// came of it would be good.
func (e *Endpoint) signedIn(ctx context.Context, kind store.SessionKind, cookie oauth.Secret) (*visitor, error) {
	if cookie.Empty() {
		return nobody, nil
	}
	session, err := e.realm.Sessions.Find(ctx, kind, cookie, e.realm.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nobody, nil
	}
	if err != nil {
		return nobody, err
	}
	if e.realm.Revocations.Revoked(e.realm.Name, token.LineageOfSession(&session)) {
		return nobody, nil
	}
	account, err := e.realm.Account(ctx, session.Account)
	if errors.Is(err, login.ErrNoAccount) {
		return nobody, nil
	}
	if err != nil {
		return nobody, err
	}
	if subject, ok := e.realm.Subject(session.Account); !ok || subject != session.Subject {
		return nobody, nil
	}
	return &visitor{session: session, account: account, cookie: cookie, scripted: kind == store.SessionJSON}, nil
}

// fromBrowser says whether a request bears a mark that browsers leave. A page
// cannot take these marks off, so a request without any is a program's.
func fromBrowser(header http.Header) bool {
	for name := range header {
		if name == "Origin" || name == "Referer" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

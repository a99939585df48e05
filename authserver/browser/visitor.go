package browser

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

// Visitor is who is signed in.
type Visitor struct {
	Session store.Session
	Account login.Account
	Cookie  oauth.Secret
	// Scripted visitors are programs with a session of /json/authenticate: there
	// is nobody to show a page to, and the cookie is their csrf value.
	Scripted bool
}

// Nobody is signed in.
var Nobody *Visitor

// AnyVisitor finds who sends a request to the authorization endpoint, a browser
// or a program.
func (b *Browser) AnyVisitor(req *http.Request) (*Visitor, error) {
	if cookie := b.Cookies.Read(req, ScriptedCookie); b.realm.JSONAuthenticates() && !cookie.Empty() && !fromBrowser(req.Header) {
		v, err := b.signedIn(req.Context(), store.SessionJSON, cookie)
		if v != Nobody || err != nil {
			return v, err
		}
	}
	return b.Visitor(req)
}

// Visitor finds who is signed in at a browser.
func (b *Browser) Visitor(req *http.Request) (*Visitor, error) {
	return b.signedIn(req.Context(), store.SessionBrowser, b.Cookies.Read(req, b.Cookies.Session))
}

// signedIn reads the session of a cookie and what its account is like now. A
// session whose account is gone, or means someone else by now, is nobody's. So is
// one that was begun while all of its user was being revoked, for nothing that
// came of it would be good.
func (b *Browser) signedIn(ctx context.Context, kind store.SessionKind, cookie oauth.Secret) (*Visitor, error) {
	if cookie.Empty() {
		return Nobody, nil
	}
	session, err := b.realm.Sessions.Find(ctx, kind, cookie, b.realm.Now())
	if errors.Is(err, store.ErrNotFound) {
		return Nobody, nil
	}
	if err != nil {
		return Nobody, err
	}
	if b.realm.Revocations.Revoked(b.realm.Name, token.LineageOfSession(&session)) {
		return Nobody, nil
	}
	account, err := b.realm.Account(ctx, session.Account)
	if errors.Is(err, login.ErrNoAccount) {
		return Nobody, nil
	}
	if err != nil {
		return Nobody, err
	}
	if subject, ok := b.realm.Subject(session.Account); !ok || subject != session.Subject {
		return Nobody, nil
	}
	return &Visitor{Session: session, Account: account, Cookie: cookie, Scripted: kind == store.SessionJSON}, nil
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

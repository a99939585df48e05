package signin

import (
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// still asks once more whether somebody who began to sign in may: the account, its
// subject, and everything that could have been revoked since. nil when not.
func (e *Endpoint) still(req *http.Request, errand *Errand, p *pending) (*login.Account, error) {
	account, err := e.realm.Account(req.Context(), p.Account)
	if errors.Is(err, login.ErrNoAccount) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	subject, ok := e.realm.Subject(p.Account)
	if !ok || subject != p.Subject || !errand.Concerns(subject) || e.revoked(p) {
		return nil, nil
	}
	if p.Session == "" {
		return &account, nil
	}
	// The session that is to become surer has to be there still, in this browser:
	// one that replaced it has the same name, for the same person.
	v, err := e.browser.Visitor(req)
	if err != nil || v == browser.Nobody || v.Session.Digest != p.Session {
		return nil, err
	}
	return &account, nil
}

// revoked says whether all that rests on the first factor has been ended since.
func (e *Endpoint) revoked(p *pending) bool {
	began := store.Session{Subject: p.Subject, Created: p.since(), AuthTime: p.since()}
	return e.realm.Revocations.Revoked(e.realm.Name, token.LineageOfSession(&began))
}

// complete begins the session and sends the browser back to its errand. account is
// as of this request.
func (e *Endpoint) complete(w http.ResponseWriter, req *http.Request, errand *Errand, p *pending, account *login.Account) {
	ctx, now := req.Context(), e.realm.Now()
	if p.ID == "" {
		// What ends the account while its password is looked at ends this, too.
		now = p.since()
	} else {
		// The session will be younger than what another node has ended meanwhile, and
		// outlive it, unless we hear of that first.
		if err := e.realm.Revocations.Refresh(ctx, now); err != nil {
			e.fail(w, req, oauth.Unavailable(err))
			return
		}
		if e.revoked(p) {
			e.forget(w, req, errand)
			e.restart(w, errand)
			return
		}
		// What the browser keeps can be sent again; a sign-in ends in one session.
		err := e.realm.Store.Spend(ctx, "sign-in "+p.ID, now.Add(2*pendingLifetime))
		if errors.Is(err, store.ErrExists) {
			e.forget(w, req, errand)
			e.restart(w, errand)
			return
		}
		if err != nil {
			e.fail(w, req, err)
			return
		}
	}
	previous := e.browser.Cookies.Read(req, e.browser.Cookies.Session)
	ended, err := e.realm.Sessions.Known(ctx, previous, now)
	if err == nil && ended.ID != "" && e.realm.Revocations.Revoked(e.realm.Name, token.LineageOfSession(&ended)) {
		// It was begun while it was being ended. Its name is dead, and so would be
		// whatever goes on under it.
		err = e.realm.Store.EndSession(ctx, e.realm.Name, ended.Digest)
		previous, ended = oauth.Secret{}, store.Session{}
	}
	var cookie oauth.Secret
	var session store.Session
	if err == nil {
		cookie, session, err = e.realm.Sessions.Start(ctx, store.SessionBrowser, e.who(req, account, p), previous, now)
	}
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if ended.ID != "" {
		e.realm.Tell(ctx, audit.Record{
			Event: audit.SessionEnded, Actor: audit.ByUser, Subject: ended.Subject, SessionID: ended.ID,
			Details: audit.Details{{Key: audit.Reason, Value: "replaced"}},
		})
	}
	e.realm.Tell(ctx, audit.Record{
		Event: audit.SignIn, Actor: audit.ByUser, ClientID: errand.ClientID, Subject: p.Subject, SessionID: session.ID,
		Details: audit.Details{{Key: audit.Method, Value: p.Method}},
	})
	e.forget(w, req, errand)
	e.browser.Cookies.Set(w, e.browser.Cookies.Session, cookie)
	browser.SeeOther(w, errand.Done(Prove(e.browser.Forms, &session, Digest(errand.Query), now)))
}

// who is whoever has signed in, for the session.
func (e *Endpoint) who(req *http.Request, account *login.Account, p *pending) login.SignedIn {
	who := e.realm.SignedIn(*account, p.Subject, p.AMR...)
	who.ACR = e.realm.ACRs.Name(LevelOf(p.AMR))
	who.Device = Device(req.UserAgent())
	return who
}

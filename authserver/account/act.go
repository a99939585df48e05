package account

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// act does what a button says. All of it is known at this node's gateway when the
// page answers, and at every other's within a second (PG22).
func (e *Endpoint) act(w http.ResponseWriter, req *http.Request, v *browser.Visitor) {
	form, ok := e.readForm(w, req, v, "account")
	if !ok {
		return
	}
	ctx, id := req.Context(), form.Get("id")
	switch action := form.Get("action"); action {
	case "": // the recovery codes have been seen
		e.done(w, req, pages.Saved)
	case pages.ActionSignOut:
		browser.SeeOther(w, e.realm.URL("connect/endSession"))
	case pages.ActionEndSession:
		e.told(w, req, pages.SignedOutThere, e.endSessions(ctx, v, func(s store.Session) bool { return s.ID == id }))
	case pages.ActionEndOthers:
		e.told(w, req, pages.SignedOutThere, e.endSessions(ctx, v, func(s store.Session) bool { return s.ID != v.Session.ID }))
	case pages.ActionRevoke:
		e.taken(w, req, e.revoke(ctx, v, id))
	case pages.ActionRevokeAll:
		e.taken(w, req, e.revokeEach(ctx, v))
	case pages.ActionChangePassword:
		e.goTo(w, req, passwordPage)
	case pages.ActionAddTOTP:
		e.goTo(w, req, totpPage)
	case pages.ActionAddPasskey:
		e.goTo(w, req, passkeyPage)
	case pages.ActionRemoveFactor, pages.ActionRecoveryCodes:
		if !e.settled(w, req, v) {
			return
		}
		if action == pages.ActionRecoveryCodes {
			e.showRecoveryCodes(w, req, v, "account")
			return
		}
		owner, _, err := e.enrolled(ctx, v)
		if err == nil {
			err = e.realm.Factors.Remove(ctx, owner, id)
		}
		if errors.Is(err, factor.ErrNotFound) {
			err = nil // another tab was quicker
		}
		e.told(w, req, pages.FactorRemoved, err)
	default:
		e.fail(w, req, oauth.InvalidRequest("action must be one of those of the page."))
	}
}

// told ends a request with what was done, or with what went wrong.
func (e *Endpoint) told(w http.ResponseWriter, req *http.Request, message pages.Message, err error) {
	if err != nil {
		e.fail(w, req, err)
		return
	}
	e.done(w, req, message)
}

// taken ends a request that has taken access away. It answers when the second of
// that is over: what the user lets an application do next is spared.
func (e *Endpoint) taken(w http.ResponseWriter, req *http.Request, err error) {
	if err == nil {
		e.realm.Settle(req.Context(), e.realm.Now())
	}
	e.told(w, req, pages.AccessTaken, err)
}

// endSessions ends those of the user's sessions that are meant, with all that came
// of them. Another's session cannot be among them.
func (e *Endpoint) endSessions(ctx context.Context, v *browser.Visitor, meant func(store.Session) bool) error {
	now := e.realm.Now()
	for after := ""; ; {
		sessions, err := e.realm.Store.Sessions(ctx, e.realm.Name, v.Session.Subject, after, maxSessions, now)
		if err != nil {
			return err
		}
		for i := range sessions {
			if !meant(sessions[i]) {
				continue
			}
			if err := e.end(ctx, v, store.Reach{SessionID: sessions[i].ID}, audit.SessionRevoked); err != nil {
				return err
			}
		}
		if len(sessions) < maxSessions {
			return nil
		}
		after = sessions[len(sessions)-1].ID
	}
}

// revoke takes back all that the user lets a client do.
func (e *Endpoint) revoke(ctx context.Context, v *browser.Visitor, clientID string) error {
	if clientID == "" || len(clientID) > oauth.MaxCredentialBytes {
		return oauth.InvalidRequest("id must name an application of the page.")
	}
	return e.end(ctx, v, store.Reach{Subject: v.Session.Subject, ClientID: clientID}, audit.ConsentRevoked)
}

// revokeEach takes back what the user lets each client do, those first that the
// page shows.
func (e *Endpoint) revokeEach(ctx context.Context, v *browser.Visitor) error {
	var done []string
	for {
		page, err := e.page(ctx, v)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(page.Applications, func(a pages.AccountApplication) bool { return slices.Contains(done, a.ID) })
		if len(left) == 0 {
			return nil
		}
		for _, a := range left {
			if err := e.revoke(ctx, v, a.ID); err != nil {
				return err
			}
			done = append(done, a.ID)
		}
	}
}

// end revokes what a reach means, and tells of it.
func (e *Endpoint) end(ctx context.Context, v *browser.Visitor, reach store.Reach, event audit.Event) error {
	ended, err := e.realm.RevokeWhole(ctx, reach, e.realm.Now())
	if err != nil {
		return err
	}
	e.realm.Tell(ctx, audit.Record{
		Event: event, Actor: audit.ByUser, Subject: v.Session.Subject, ClientID: reach.ClientID, SessionID: reach.SessionID,
	}.With(audit.Count, strconv.Itoa(ended.Grants)))
	return nil
}

package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 7009

// revocation is what an operator wants to end. One of the members but realm is
// given.
type revocation struct {
	// Realm is the realm of it. Default: for a token the realm that issued it, for
	// all else the root realm.
	Realm string `json:"realm,omitempty"`

	// Token is an access token, which ends by itself, or a refresh token or code,
	// which ends with its grant.
	Token string `json:"token,omitempty"`

	// Subject ends all that rests on a sign-in of a subject up to now: sessions,
	// grants and tokens.
	Subject string `json:"subject,omitempty"`

	// Username does that for the subject of an account, by what its user types.
	Username string `json:"username,omitempty"`

	// Client ends all grants and tokens that a client was given up to now.
	Client string `json:"client,omitempty"`

	// Session ends a session, by its sid, and all that came of it, offline_access
	// included.
	Session string `json:"session,omitempty"`

	// Grant ends one grant, by its id, and its tokens.
	Grant string `json:"grant,omitempty"`
}

const revocationMembers = "realm, and one of token, subject, username, client, session and grant"

// revokedAnswer is what a revocation has ended.
type revokedAnswer struct {
	// Realm is where.
	Realm string `json:"realm"`

	// Subject is whose sign-ins or consents ended.
	Subject string `json:"subject,omitempty"`

	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Grants says how many grants ended, and with them all their tokens.
	Grants int `json:"grants"`

	// Sessions says how many sessions ended.
	Sessions int `json:"sessions,omitempty"`

	// Consents says how many clients may no longer do what a user agreed to.
	Consents int `json:"consents,omitempty"`

	// Tokens is 1 for an access token that was named and good until then.
	Tokens int `json:"tokens,omitempty"`

	// NotBefore is the second up to which all is dead. The answer comes when it is
	// over, so that what is issued next is good.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// revokeTokens answers POST /oauth2/tokens/revoke.
func revokeTokens(app *App, r *http.Request) (any, error) {
	var asked revocation
	if err := readBody(r, &asked, revocationMembers); err != nil {
		return nil, err
	}
	return app.revoke(r.Context(), asked)
}

func (a *App) revoke(ctx context.Context, asked revocation) (any, error) {
	given := 0
	for _, name := range []string{asked.Token, asked.Subject, asked.Username, asked.Client, asked.Session, asked.Grant} {
		if name != "" {
			given++
		}
	}
	reach := store.Reach{Subject: asked.Subject, ClientID: asked.Client, SessionID: asked.Session}
	if err := checkReach(reach); err != nil {
		return nil, err
	}
	whose := person{asked.Subject, asked.Username}
	if err := whose.check(); err != nil {
		return nil, err
	}
	switch {
	case given != 1:
		return nil, badRequest("a revocation has " + revocationMembers + "; what a subject lets one client do is taken back by DELETE /oauth2/consents (caddy oauth2-consent revoke)")
	case asked.Token != "":
		return a.revokeToken(ctx, asked.Realm, oauth.NewSecret(asked.Token))
	}
	return a.withRealm(ctx, asked.Realm, func(in *realm.Realm) (answer any, err error) {
		if asked.Grant != "" {
			return a.revokeGrant(ctx, in, asked.Grant)
		}
		reach.Realm = in.Name
		if reach.Subject, err = whose.in(ctx, in); err != nil {
			return nil, err
		}
		done, err := a.revokeAll(ctx, in, reach)
		if err == nil && !done.NotBefore.IsZero() {
			in.Settle(ctx, done.NotBefore)
		}
		if err == nil && done.Grants+done.Sessions == 0 {
			done.Unknown = unknown(ctx, in, reach.Subject)
		}
		return done, err
	})
}

// revokeAll ends all of a reach.
func (a *App) revokeAll(ctx context.Context, in *realm.Realm, reach store.Reach) (revokedAnswer, error) {
	now := in.Now()
	ended, err := in.RevokeWhole(ctx, reach, now)
	if err != nil {
		return revokedAnswer{}, err
	}
	done := revokedAnswer{Realm: in.Name, Subject: reach.Subject, Grants: ended.Grants, Sessions: ended.Sessions, NotBefore: wholeSecond(reach.Revocation(now).NotBefore)}
	if ended.Consent {
		done.Consents = 1
	}
	a.audit(ctx, audit.Record{
		Event: revocationEvents[reach.Kind()], Realm: in.Name, Subject: reach.Subject, ClientID: reach.ClientID, SessionID: reach.SessionID,
	}.With(audit.Count, strconv.Itoa(ended.Grants)))
	return done, nil
}

// revocationEvents are what the revocation of a reach is told as.
var revocationEvents = map[store.RevocationKind]audit.Event{
	store.RevokedSession: audit.SessionRevoked, store.RevokedConsent: audit.ConsentRevoked,
	store.RevokedSubject: audit.SubjectRevoked, store.RevokedClient: audit.ClientRevoked,
}

func (a *App) revokeGrant(ctx context.Context, in *realm.Realm, id string) (any, error) {
	if err := checkName("grant", id); err != nil {
		return nil, err
	}
	grant, err := in.Store.Grant(ctx, in.Name, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, apiError(http.StatusNotFound, errors.New("the realm has no such grant; GET /oauth2/grants (caddy oauth2-token grants) lists those that there are"))
	}
	if err != nil {
		return nil, err
	}
	done := revokedAnswer{Realm: in.Name}
	if grant.State != store.GrantRevoked {
		done.Grants = 1
	}
	if err := in.Revocations.RevokeGrant(ctx, in.Name, id, in.Now()); err != nil {
		return nil, err
	}
	if done.Grants > 0 {
		a.audit(ctx, audit.Record{
			Event: audit.GrantRevoked, Realm: in.Name, GrantID: id, Subject: grant.Subject, ClientID: grant.ClientID,
			SessionID: grant.SessionID, GrantType: grant.Type,
		})
	}
	return done, nil
}

// revokeToken ends what a token names, whatever it is.
func (a *App) revokeToken(ctx context.Context, name string, raw oauth.Secret) (any, error) {
	return a.withRealms(ctx, name, func(realms []*realm.Realm) (any, error) {
		in, report, err := whoseToken(ctx, realms, raw)
		switch {
		case err != nil:
			return nil, err
		case in == nil:
			return nil, apiError(http.StatusNotFound, errors.New("no realm knows that token; revoke those of other issuers by POST /oauth2/deny (caddy oauth2-deny)"))
		case report.ID != nil:
			return nil, badRequest("an ID token lets nobody in and cannot be revoked; revoke its session or subject")
		case report.Access != nil:
			access := report.Access
			if err := in.Revocations.RevokeToken(ctx, in.Name, access.ID, access.Expires, in.Now()); err != nil {
				return nil, err
			}
			done := revokedAnswer{Realm: in.Name}
			if report.State == realm.TokenActive {
				done.Tokens = 1
				a.audit(ctx, audit.Record{
					Event: audit.TokenRevoked, Realm: in.Name, ClientID: access.ClientID, Subject: access.Subject,
					GrantID: access.GrantID, SessionID: access.SessionID,
				}.With(audit.TokenID, access.ID))
			}
			return done, nil
		case report.Grant == nil:
			return revokedAnswer{Realm: in.Name}, nil
		}
		return a.revokeGrant(ctx, in, report.Grant.ID)
	})
}

// whoseToken finds the realm that made a token, and what it knows of it; nil when
// none did.
func whoseToken(ctx context.Context, realms []*realm.Realm, raw oauth.Secret) (*realm.Realm, realm.TokenReport, error) {
	for _, in := range realms {
		report, err := in.Inspect(ctx, raw)
		if err == nil {
			return in, report, nil
		}
		if !errors.Is(err, token.ErrInvalid) {
			return nil, report, err
		}
	}
	return nil, realm.TokenReport{}, nil
}

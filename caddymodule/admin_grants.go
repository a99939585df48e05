package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// grantsAnswer is a page of grants, the newest first.
type grantsAnswer struct {
	// Grants are those of this page.
	Grants []shownGrant `json:"grants"`

	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Next is the `after` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// shownGrant is one authorization of a client, the family of its tokens. Nothing
// of it opens anything.
type shownGrant struct {
	// ID names the grant; its access tokens bear it as gid.
	ID string `json:"id"`

	// Realm is the realm that it belongs to.
	Realm string `json:"realm"`

	// State is pending while its code waits to be redeemed, active, expired or
	// revoked.
	State string `json:"state"`

	// Type is the grant type that it began with.
	Type string `json:"type"`

	// Client is who it was given to.
	Client string `json:"client"`

	// Subject is whose it is.
	Subject string `json:"subject,omitempty"`

	// Session is the sid of the session that it was given in.
	Session string `json:"session,omitempty"`

	// Scope is what was granted.
	Scope string `json:"scope,omitempty"`

	// Audience are the resources that it is for.
	Audience []string `json:"audience,omitempty"`

	// Created is when it was granted.
	Created time.Time `json:"created"`

	// AuthTime is when the user had signed in.
	AuthTime time.Time `json:"auth_time,omitzero"`

	// Generation counts its refresh tokens; absent when it has none.
	Generation uint32 `json:"generation,omitempty"`

	// Refreshed is when the last of them was given out.
	Refreshed time.Time `json:"refreshed,omitzero"`

	// Expires is the end of the last of them if it is not used before.
	Expires time.Time `json:"expires,omitzero"`
}

// listGrants answers GET /oauth2/grants?realm=&subject=|username=|client=|session=&after=&limit=.
func listGrants(app *App, r *http.Request) (any, error) {
	query := r.URL.Query()
	reach := store.Reach{Subject: query.Get("subject"), ClientID: query.Get("client"), SessionID: query.Get("session")}
	if err := checkReach(reach); err != nil {
		return nil, err
	}
	whose := person{reach.Subject, query.Get("username")}
	if err := whose.check(); err != nil {
		return nil, err
	}
	if reach.SessionID != "" && whose.subject+whose.username+reach.ClientID != "" {
		return nil, badRequest("a session has one subject: give session alone, or client and one of subject and username")
	}
	after, limit, err := readPage(r, listPage)
	if err != nil {
		return nil, err
	}
	return app.withRealm(r.Context(), query.Get("realm"), func(in *realm.Realm) (any, error) {
		reach.Realm = in.Name
		if reach.Subject, err = whose.in(r.Context(), in); err != nil {
			return nil, err
		}
		grants, err := in.Store.Grants(r.Context(), reach, after, limit)
		if err != nil {
			return nil, err
		}
		answer := grantsAnswer{Grants: make([]shownGrant, len(grants))}
		for i := range grants {
			answer.Grants[i] = showGrant(in, &grants[i])
		}
		if len(grants) == limit {
			answer.Next = grants[limit-1].ID
		}
		if len(grants) == 0 && after == "" {
			answer.Unknown = unknown(r.Context(), in, reach.Subject)
		}
		return answer, nil
	})
}

// showGrant is a grant as operators see it.
func showGrant(in *realm.Realm, g *store.Grant) shownGrant {
	shown := shownGrant{
		ID: g.ID, Realm: g.Realm, State: string(in.GrantState(g)), Type: g.Type, Client: g.ClientID,
		Subject: g.Subject, Session: g.SessionID, Scope: g.Scope.String(), Audience: g.Resources,
		Created: g.Created, AuthTime: g.AuthTime,
	}
	if g.Generation > 0 {
		shown.Generation, shown.Refreshed, shown.Expires = g.Generation, g.RotatedAt, in.RefreshEnd(g)
	}
	return shown
}

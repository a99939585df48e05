package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// sessionsAnswer is a page of the live sessions of a subject.
type sessionsAnswer struct {
	// Sessions are those of this page, by ID.
	Sessions []shownSession `json:"sessions"`

	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Next is the `after` of the next page; absent on the last.
	Next string `json:"next,omitempty"`
}

// shownSession is one sign-in of a user. Nothing of it opens anything.
type shownSession struct {
	// ID names the session; tokens bear it as sid. It is not what the cookie holds.
	ID string `json:"id"`

	// Realm is the realm that it belongs to.
	Realm string `json:"realm"`

	// Kind is browser, or json for one of /json/authenticate.
	Kind string `json:"kind"`

	// Subject is who signed in.
	Subject string `json:"subject"`

	// Service is the authentication service that has the account.
	Service string `json:"service"`

	// AuthTime is when the user signed in.
	AuthTime time.Time `json:"auth_time"`

	// ACR says how strongly.
	ACR string `json:"acr,omitempty"`

	// AMR says by what.
	AMR []string `json:"amr,omitempty"`

	// IdleExpires ends the session when it is not used before.
	IdleExpires time.Time `json:"idle_expires,omitzero"`

	// Expires ends it in any case.
	Expires time.Time `json:"expires,omitzero"`
}

// listSessions answers GET /oauth2/sessions?realm=&subject=|username=&after=&limit=.
func listSessions(app *App, r *http.Request) (any, error) {
	after, limit, err := readPage(r, listPage)
	if err != nil {
		return nil, err
	}
	return app.withPerson(r, "sessions", func(in *realm.Realm, subject string) (any, error) {
		sessions, err := in.Store.Sessions(r.Context(), in.Name, subject, after, limit, in.Now())
		if err != nil {
			return nil, err
		}
		answer := sessionsAnswer{Sessions: make([]shownSession, len(sessions))}
		for i := range sessions {
			answer.Sessions[i] = showSession(&sessions[i])
		}
		if len(sessions) == limit {
			answer.Next = sessions[limit-1].ID
		}
		if len(sessions) == 0 && after == "" {
			answer.Unknown = unknown(r.Context(), in, subject)
		}
		return answer, nil
	})
}

// endSession answers DELETE /oauth2/sessions?realm=&session=.
func endSession(app *App, r *http.Request) (any, error) {
	query := r.URL.Query()
	return app.revoke(r.Context(), revocation{Realm: query.Get("realm"), Session: query.Get("session")})
}

func showSession(s *store.Session) shownSession {
	kind := "browser"
	if s.Kind == store.SessionJSON {
		kind = "json"
	}
	return shownSession{
		ID: s.ID, Realm: s.Realm, Kind: kind, Subject: s.Subject, Service: s.Account.Service,
		AuthTime: s.AuthTime, ACR: s.ACR, AMR: s.AMR, IdleExpires: s.IdleExpires, Expires: s.Expires,
	}
}

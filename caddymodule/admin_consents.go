package caddymodule

import (
	"context"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// consentsAnswer is what a subject has agreed to, by client.
type consentsAnswer struct {
	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Consents has one entry for each client.
	Consents []shownConsent `json:"consents"`
}

// shownConsent is what a user has agreed to for one client.
type shownConsent struct {
	// Realm is the realm that it belongs to.
	Realm string `json:"realm"`

	// Subject is who agreed.
	Subject string `json:"subject"`

	// Client is who may.
	Client string `json:"client"`

	// Scope is what it may without asking again.
	Scope string `json:"scope,omitempty"`

	// Audience are the resources at which it may.
	Audience []string `json:"audience,omitempty"`

	// Updated is when the user agreed last.
	Updated time.Time `json:"updated"`
}

// withConsents lets f work with the realm and reach that a request for consents
// names.
func (a *App) withConsents(r *http.Request, f func(*realm.Realm, store.Reach) (any, error)) (any, error) {
	client := r.URL.Query().Get("client")
	if err := checkName("client", client); err != nil {
		return nil, err
	}
	return a.withPerson(r, "consents", func(in *realm.Realm, subject string) (any, error) {
		return f(in, store.Reach{Realm: in.Name, Subject: subject, ClientID: client})
	})
}

// listConsents answers GET /oauth2/consents?realm=&subject=|username=&client=.
func listConsents(app *App, r *http.Request) (any, error) {
	return app.withConsents(r, func(in *realm.Realm, reach store.Reach) (any, error) {
		consents, err := in.Store.Consents(r.Context(), in.Name, reach.Subject)
		if err != nil {
			return nil, err
		}
		answer := consentsAnswer{Consents: []shownConsent{}}
		for _, c := range consents {
			if reach.ClientID == "" || reach.ClientID == c.ClientID {
				answer.Consents = append(answer.Consents, shownConsent{
					Realm: c.Realm, Subject: c.Subject, Client: c.ClientID,
					Scope: c.Scope.String(), Audience: c.Resources, Updated: c.Updated,
				})
			}
		}
		if len(consents) == 0 {
			answer.Unknown = unknown(r.Context(), in, reach.Subject)
		}
		return answer, nil
	})
}

// revokeConsents answers DELETE /oauth2/consents?realm=&subject=|username=&client=.
// Without a client it takes back all that the subject has agreed to.
func revokeConsents(app *App, r *http.Request) (any, error) {
	return app.withConsents(r, func(in *realm.Realm, reach store.Reach) (any, error) {
		clients := []string{reach.ClientID}
		if reach.ClientID == "" {
			consents, err := in.Store.Consents(r.Context(), in.Name, reach.Subject)
			if err != nil {
				return nil, err
			}
			clients = clients[:0]
			for _, consent := range consents {
				clients = append(clients, consent.ClientID)
			}
		}
		return app.revokeEach(r.Context(), in, reach, clients)
	})
}

// revokeEach takes back what a subject lets each of some clients do.
func (a *App) revokeEach(ctx context.Context, in *realm.Realm, reach store.Reach, clients []string) (revokedAnswer, error) {
	total := revokedAnswer{Realm: in.Name, Subject: reach.Subject}
	for _, reach.ClientID = range clients {
		one, err := a.revokeAll(ctx, in, reach)
		if err != nil {
			return total, err
		}
		total.Grants += one.Grants
		total.Consents += one.Consents
		total.NotBefore = one.NotBefore
	}
	if len(clients) > 0 {
		in.Settle(ctx, total.NotBefore)
	}
	if total.Grants+total.Consents == 0 {
		total.Unknown = unknown(ctx, in, reach.Subject)
	}
	return total, nil
}

package realm

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// newFactors makes the second factors and passkeys of a realm, and has the audit
// log told of what is done with them.
func newFactors(r *Realm) *factor.Factors {
	return factor.New(factor.Parts{
		Store: r.Store, Keys: r.Keys, Realm: r.Name, Issuer: r.Issuer, Now: r.Now,
		Tell: func(ctx context.Context, account store.Account, event audit.Event, details ...audit.Detail) {
			subject, _ := r.Subject(account)
			r.Tell(ctx, audit.Record{Event: event, Actor: audit.ByUser, Subject: subject, Details: details})
		},
	})
}

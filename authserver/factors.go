package authserver

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// factorsOf are the second factors and passkeys of a realm's accounts.
func factorsOf(r *realm.Realm) *factor.Factors {
	return factor.New(factor.Parts{
		Store: r.Store, Keys: r.Keys, Realm: r.Name, Issuer: r.Issuer, Name: r.Look.Name, Now: r.Now,
		Tell: func(ctx context.Context, account store.Account, event audit.Event, details ...audit.Detail) {
			subject, _ := r.Subject(account)
			r.Tell(ctx, audit.Record{Event: event, Actor: audit.ByUser, Subject: subject, Details: details})
		},
	})
}

package realm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OperatorFactors are Factors in the hands of an operator, as the audit log is told.
func (r *Realm) OperatorFactors() *factor.Factors { return newFactors(r, "") }

// newFactors makes the second factors and passkeys of a realm, and has the audit
// log told of what is done with them; by the one who asks when actor is "".
func newFactors(r *Realm, actor audit.Actor) *factor.Factors {
	return factor.New(factor.Parts{
		Store: r.Store, Keys: r.Keys, Realm: r.Name, Issuer: r.Issuer, Name: r.Look.Name, Now: r.Now,
		Tell: func(ctx context.Context, account store.Account, event audit.Event, details ...audit.Detail) {
			subject, _ := r.Subject(account)
			r.Tell(ctx, audit.Record{Event: event, Actor: actor, Subject: subject, Details: details})
		},
	})
}

// AccountsOf are the accounts that may have a subject: the other way of Subject.
// There are several only where services share accounts.
func (r *Realm) AccountsOf(subject string) []store.Account {
	if r.SharedAccounts {
		all := make([]store.Account, 0, len(r.Services))
		for _, service := range slices.Sorted(maps.Keys(r.Services)) {
			all = append(all, store.Account{Service: service, ID: subject})
		}
		return all
	}
	if service, id, qualified := strings.Cut(subject, ":"); qualified && r.Services[service] != nil {
		return []store.Account{{Service: service, ID: id}}
	}
	return []store.Account{{Service: r.DefaultService, ID: subject}}
}

// FactorsOf gives the factors of a person who signs in with an account, and the
// account that has them, as of says it of each. Services that share their accounts
// share the people: who has a factor with one service has it with all.
func (r *Realm) FactorsOf(ctx context.Context, account store.Account, subject string, of func(context.Context, store.Account) (factor.Enrolled, error)) (owner store.Account, has factor.Enrolled, err error) {
	has, err = of(ctx, account)
	if err != nil || has.Any() {
		return account, has, err
	}
	for _, other := range r.AccountsOf(subject) {
		if other == account {
			continue
		}
		if theirs, err := of(ctx, other); err != nil || theirs.Any() {
			return other, theirs, err
		}
	}
	return account, has, nil
}

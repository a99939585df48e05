package realm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Named are the subjects of those who have a username, each at one service: several
// where services have the name in common, none where none has it. A service that
// cannot answer now is an error, beside the subjects that the others gave; one that
// knows nobody by name is not asked.
func (r *Realm) Named(ctx context.Context, username string) (subjects []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(r.Services)) {
		roll, ok := r.Services[name].(login.Roll)
		if !ok {
			continue
		}
		id, fault := roll.Named(ctx, username)
		if errors.Is(fault, login.ErrNoAccount) {
			continue
		}
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("%s cannot say who that is: %w", name, fault))
			continue
		}
		subject, ok := r.Subject(store.Account{Service: name, ID: id})
		if ok && !slices.Contains(subjects, subject) {
			subjects = append(subjects, subject)
		}
	}
	return subjects, err
}

// Unknown says that there is nothing of a subject: neither an account or a client,
// nor anything that one has left in the store. Who cannot be asked may know it.
func (r *Realm) Unknown(ctx context.Context, subject string) bool {
	if r.clients.known(subject) {
		return false
	}
	for _, account := range r.AccountsOf(subject) {
		if r.mayHave(ctx, account) {
			return false
		}
		if left, err := r.Store.Credentials(ctx, r.Name, account); err != nil || len(left) > 0 {
			return false
		}
	}
	if left, err := r.Store.Grants(ctx, store.Reach{Realm: r.Name, Subject: subject}, "", 1); err != nil || len(left) > 0 {
		return false
	}
	if left, err := r.Store.Consents(ctx, r.Name, subject); err != nil || len(left) > 0 {
		return false
	}
	left, err := r.Store.Sessions(ctx, r.Name, subject, "", 1, r.Now())
	return err == nil && len(left) == 0
}

// mayHave says whether an account is there, or its service cannot say.
func (r *Realm) mayHave(ctx context.Context, account store.Account) bool {
	switch service := r.Services[account.Service].(type) {
	case nil:
		return false
	case login.Roll:
		has, err := service.Has(ctx, account.ID)
		return has || err != nil
	default:
		_, err := service.Account(ctx, account.ID)
		return !errors.Is(err, login.ErrNoAccount)
	}
}

package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// factorsAnswer is what a user has besides a password.
type factorsAnswer struct {
	// Realm is the realm that the user is of.
	Realm string `json:"realm"`

	// Subject is who it is.
	Subject string `json:"subject"`

	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Factors are the app and the passkeys.
	Factors []shownFactor `json:"factors"`

	// RecoveryCodes is how many there are that have not been used.
	RecoveryCodes int `json:"recovery_codes"`
}

// shownFactor is an app or a passkey. Nothing of it signs anybody in.
type shownFactor struct {
	// ID names it among those of its user.
	ID string `json:"id"`

	// Kind is totp or passkey.
	Kind string `json:"kind"`

	// Label is what its user calls it.
	Label string `json:"label,omitempty"`

	// Service is the authentication service that has the account.
	Service string `json:"service"`

	// Synced says that copies of a passkey may be on several devices.
	Synced bool `json:"synced,omitempty"`

	// Added is when it was enrolled.
	Added time.Time `json:"added"`

	// LastUsed is when it was used last; absent when it never was.
	LastUsed time.Time `json:"last_used,omitzero"`
}

// removedFactors is what an operator took from a user.
type removedFactors struct {
	// Realm is the realm that the user is of.
	Realm string `json:"realm"`

	// Subject is who it is.
	Subject string `json:"subject"`

	// Unknown says that nothing is known of that subject: perhaps another is meant.
	Unknown bool `json:"unknown,omitempty"`

	// Removed is how many apps, passkeys and recovery codes are gone.
	Removed int `json:"removed"`
}

// listFactors answers GET /oauth2/factors?realm=&subject=|username=.
func listFactors(app *App, r *http.Request) (any, error) {
	return app.withPerson(r, "factors", func(in *realm.Realm, subject string) (any, error) {
		answer := factorsAnswer{Realm: in.Name, Subject: subject, Factors: []shownFactor{}}
		for _, account := range in.AccountsOf(subject) {
			has, err := in.Factors.Of(r.Context(), account)
			if err != nil {
				return nil, err
			}
			answer.RecoveryCodes += has.RecoveryLeft
			for _, c := range has.All() {
				answer.Factors = append(answer.Factors, shownFactor{
					ID: c.ID, Kind: c.Kind, Label: c.Label, Service: account.Service, Synced: c.Synced, Added: c.Added, LastUsed: c.LastUsed,
				})
			}
		}
		if len(answer.Factors) == 0 {
			answer.Unknown = unknown(r.Context(), in, subject)
		}
		return answer, nil
	})
}

var errNoFactor = errors.New("the user has no such factor; GET /oauth2/factors (caddy oauth2-factor list) lists them")

// removeFactors answers DELETE /oauth2/factors?realm=&subject=|username=&factor=.
// Without a factor it takes all, recovery codes too.
func removeFactors(app *App, r *http.Request) (any, error) {
	id, one := r.URL.Query().Get("factor"), r.URL.Query().Has("factor")
	if err := checkName("factor", id); err != nil {
		return nil, err
	}
	if one && id == "" {
		return nil, badRequest("factor is empty; without it all factors of the user go")
	}
	return app.withPerson(r, "factors", func(in *realm.Realm, subject string) (any, error) {
		answer, factors := removedFactors{Realm: in.Name, Subject: subject}, in.OperatorFactors()
		for _, account := range in.AccountsOf(subject) {
			removed, err := removeFromAccount(r.Context(), factors, account, id)
			if err != nil {
				return nil, err
			}
			answer.Removed += removed
		}
		if one && answer.Removed == 0 {
			return nil, apiError(http.StatusNotFound, errNoFactor)
		}
		if answer.Removed == 0 {
			answer.Unknown = unknown(r.Context(), in, subject)
		}
		return answer, nil
	})
}

// removeFromAccount takes one factor from an account, or all when id is "".
func removeFromAccount(ctx context.Context, factors *factor.Factors, account store.Account, id string) (removed int, err error) {
	if id == "" {
		return factors.RemoveAll(ctx, account)
	}
	err = factors.Remove(ctx, account, id)
	switch {
	case errors.Is(err, factor.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return 1, nil
}

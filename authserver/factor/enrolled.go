package factor

import (
	"context"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Credential is a factor as people and operators see it.
type Credential struct {
	// ID names it among those of its account.
	ID string
	// Kind is TOTP or Passkey.
	Kind            string
	Label           string
	Added, LastUsed time.Time
	// Synced says that copies of a passkey may be on several devices.
	Synced bool
}

// The kinds of a Credential, and in the audit log those of recovery codes too.
const (
	TOTP    = "totp"
	Passkey = "passkey"

	allKinds = "all"
)

// Enrolled is what an account has.
type Enrolled struct {
	// TOTP says that there is an app that makes codes; App is it.
	TOTP bool
	App  Credential
	// Passkeys are oldest first.
	Passkeys []Credential
	// RecoveryLeft counts the recovery codes that have not been used.
	RecoveryLeft int
}

// Any says whether the account has a second factor. Recovery codes alone are none.
func (e Enrolled) Any() bool { return e.TOTP || len(e.Passkeys) > 0 }

// All are the app and the passkeys, for lists.
func (e Enrolled) All() []Credential {
	if !e.TOTP {
		return e.Passkeys
	}
	return append([]Credential{e.App}, e.Passkeys...)
}

// Of is what an account has.
func (f *Factors) Of(ctx context.Context, account store.Account) (Enrolled, error) {
	rows, err := f.parts.Store.Credentials(ctx, f.parts.Realm, account)
	if err != nil {
		return Enrolled{}, err
	}
	return Summary(rows), nil
}

// Summary is what stored credentials of one account are, without their secrets.
func Summary(rows []store.Credential) Enrolled {
	var e Enrolled
	for _, row := range rows {
		switch row.Kind {
		case store.CredentialTOTP:
			e.TOTP, e.App = true, shown(row)
		case store.CredentialPasskey:
			e.Passkeys = append(e.Passkeys, shown(row))
		case store.CredentialRecovery:
			e.RecoveryLeft++
		}
	}
	return e
}

// shown is a stored credential without what it is checked with.
func shown(row store.Credential) Credential {
	c := Credential{ID: row.ID, Kind: TOTP, Label: row.Label, Added: row.Created, LastUsed: row.LastUsed}
	if row.Kind == store.CredentialPasskey {
		c.Kind = Passkey
		// One that cannot be read is listed all the same, to be removed.
		data, _ := parsePasskey(row)
		c.Synced = data.BackupEligible
	}
	return c
}

// Rename gives a factor another label, cut to 64 characters. ErrNotFound when the
// account has none of this id.
func (f *Factors) Rename(ctx context.Context, account store.Account, id, label string) error {
	return mapped(f.parts.Store.RenameCredential(ctx, f.parts.Realm, account, id, cutLabel(label)))
}

// Remove takes a factor from an account, and with its last one its recovery codes.
// ErrNotFound when the account has none of this id.
func (f *Factors) Remove(ctx context.Context, account store.Account, id string) error {
	if err := mapped(f.parts.Store.RemoveCredential(ctx, f.parts.Realm, account, id)); err != nil {
		return err
	}
	f.parts.Tell(ctx, account, audit.FactorRemoved, audit.Detail{Key: audit.Kind, Value: kindOf(id)})
	return nil
}

// RemoveAll takes all factors and recovery codes from an account, and says how many
// there were.
func (f *Factors) RemoveAll(ctx context.Context, account store.Account) (removed int, err error) {
	removed, err = f.parts.Store.RemoveCredentials(ctx, f.parts.Realm, account)
	if err != nil || removed == 0 {
		return removed, err
	}
	f.parts.Tell(ctx, account, audit.FactorRemoved,
		audit.Detail{Key: audit.Kind, Value: allKinds}, audit.Detail{Key: audit.Count, Value: strconv.Itoa(removed)})
	return removed, nil
}

// kindOf is the kind of a factor by its id.
func kindOf(id string) string {
	if id == totpID {
		return TOTP
	}
	return Passkey
}

// add stores a credential and tells of it.
func (f *Factors) add(ctx context.Context, row store.Credential) error {
	err := mapped(f.parts.Store.AddCredential(ctx, row))
	if err != nil {
		return err
	}
	f.parts.Tell(ctx, row.Account, audit.FactorAdded, audit.Detail{Key: audit.Kind, Value: kindOf(row.ID)})
	return nil
}

// find gives the stored credential of an account that is.
func (f *Factors) find(ctx context.Context, account store.Account, is func(store.Credential) bool) (store.Credential, error) {
	rows, err := f.parts.Store.Credentials(ctx, f.parts.Realm, account)
	if err != nil {
		return store.Credential{}, err
	}
	for _, row := range rows {
		if is(row) {
			return row, nil
		}
	}
	return store.Credential{}, ErrNotFound
}

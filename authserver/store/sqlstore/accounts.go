package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// As for clients: changes come one after the other, so that a username that is
	// looked for stays free until it is taken.
	nextAccount = `UPDATE meta SET value = value + 1 WHERE name = 'accounts' RETURNING value`

	// The row count decides who creates an account.
	createAccount = `INSERT INTO accounts (realm, service, id, username, password, disabled, claims, version, created, updated, password_changed, seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING`

	replaceAccount = `UPDATE accounts SET username = ?, disabled = ?, claims = ?, version = ?, updated = ?
		WHERE realm = ? AND service = ? AND id = ? AND (version = ? OR CAST(? AS BIGINT) = 0)
			AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.realm = ? AND o.service = ? AND o.username = ? AND o.username <> '' AND o.id <> ?)`

	setAccountPassword = `UPDATE accounts SET password = ?, password_changed = ? WHERE realm = ? AND service = ? AND id = ?`

	deleteAccount = `DELETE FROM accounts
		WHERE realm = ? AND service = ? AND id = ? AND (version = ? OR CAST(? AS BIGINT) = 0)`

	deleteAccountCredentials = `DELETE FROM credentials WHERE realm = ? AND service = ? AND account = ?`
	deleteSubjectConsents    = `DELETE FROM consents WHERE realm = ? AND subject = ?`

	selectAccountVersion = `SELECT version FROM accounts WHERE realm = ? AND service = ? AND id = ?`

	accountColumns = `SELECT realm, service, id, username, password, disabled, claims, version, created, updated, password_changed FROM accounts `

	selectAccount = accountColumns + `WHERE realm = ? AND service = ? AND id = ?`

	selectAccountByUsername = accountColumns + `WHERE realm = ? AND service = ? AND username = ? AND username <> ''`

	selectAccounts = accountColumns + `WHERE realm = ? AND service = ? AND username >= ? AND username <> ? AND username <> '' ORDER BY username LIMIT ?`

	selectAccountsBelow = accountColumns + `WHERE realm = ? AND service = ? AND username >= ? AND username <> ? AND username < ? AND username <> '' ORDER BY username LIMIT ?`
)

// CreateAccount stores a new account.
func (s *Store) CreateAccount(ctx context.Context, a store.StoredAccount) (int64, error) {
	return write(ctx, s, "create an account", func(q querier) (version int64, err error) {
		if err := q.row(nextAccount).Scan(&version); err != nil {
			return 0, err
		}
		created, err := q.exec(createAccount, a.Realm, a.Service, a.ID, a.Username, string(a.Password), number(a.Disabled), a.Claims,
			version, seconds(a.Created), seconds(a.Updated), seconds(a.PasswordChanged))
		if err == nil && created == 0 {
			err = store.ErrExists
		}
		return version, err
	})
}

// ReplaceAccount puts username, claims and state in the place of those that are there.
func (s *Store) ReplaceAccount(ctx context.Context, a store.StoredAccount, subject string, now time.Time) (int64, error) {
	return write(ctx, s, "replace an account", func(q querier) (version int64, err error) {
		if err := q.row(nextAccount).Scan(&version); err != nil {
			return 0, err
		}
		replaced, err := q.exec(replaceAccount, a.Username, number(a.Disabled), a.Claims, version, seconds(a.Updated),
			a.Realm, a.Service, a.ID, a.Version, a.Version, a.Realm, a.Service, a.Username, a.ID)
		if err != nil {
			return 0, err
		}
		if replaced == 0 {
			return 0, notReplaced(q, a)
		}
		return version, endSubject(q, a.Realm, subject, now)
	})
}

// notReplaced says why an account was not replaced.
func notReplaced(q querier, a store.StoredAccount) error {
	var version int64
	err := q.row(selectAccountVersion, a.Realm, a.Service, a.ID).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return store.ErrNotFound
	case err != nil:
		return err
	case a.Version != 0 && a.Version != version:
		return store.ErrConflict
	}
	return store.ErrExists
}

// SetAccountPassword gives an account another password.
func (s *Store) SetAccountPassword(ctx context.Context, realm string, a store.Account, password store.SecretDigest, subject string, now time.Time) error {
	return change(ctx, s, "set the password of an account", func(q querier) error {
		set, err := q.exec(setAccountPassword, string(password), seconds(now), realm, a.Service, a.ID)
		if err != nil {
			return err
		}
		if set == 0 {
			return store.ErrNotFound
		}
		return endSubject(q, realm, subject, now)
	})
}

// DeleteAccount removes an account and what belongs to it.
func (s *Store) DeleteAccount(ctx context.Context, realm string, a store.Account, version int64, subject string, now time.Time) error {
	return change(ctx, s, "delete an account", func(q querier) error {
		deleted, err := q.exec(deleteAccount, realm, a.Service, a.ID, version, version)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return otherVersion(q, selectAccountVersion, realm, a.Service, a.ID)
		}
		if _, err := q.exec(deleteAccountCredentials, realm, a.Service, a.ID); err != nil {
			return err
		}
		if subject == "" {
			return nil
		}
		if _, err := q.exec(deleteSubjectConsents, realm, subject); err != nil {
			return err
		}
		return endSubject(q, realm, subject, now)
	})
}

// endSubject ends what rests on a sign-in of a subject: its sessions and its newest
// grants, and all others by the entry. RevokeAll and the upkeep do the rest.
func endSubject(q querier, realm, subject string, now time.Time) error {
	if subject == "" {
		return nil
	}
	reach := store.Reach{Realm: realm, Subject: subject}
	if _, err := endOthers(q, reach); err != nil {
		return err
	}
	entry := reach.Revocation(now)
	if _, err := (ender{reach: reach, began: never, notBefore: seconds(entry.NotBefore), now: now}).page(q, ""); err != nil {
		return err
	}
	return putEntry(q, entry, now)
}

// StoredAccount reads an account.
func (s *Store) StoredAccount(ctx context.Context, realm string, a store.Account) (store.StoredAccount, error) {
	account, err := scanAccount(s.engine.read(ctx).row(selectAccount, realm, a.Service, a.ID))
	return account, verdict("read an account", err)
}

// AccountByUsername reads the account that signs in with a username.
func (s *Store) AccountByUsername(ctx context.Context, realm, service, username string) (store.StoredAccount, error) {
	account, err := scanAccount(s.engine.read(ctx).row(selectAccountByUsername, realm, service, username))
	return account, verdict("read an account by its username", err)
}

// StoredAccounts lists accounts of a service by username.
func (s *Store) StoredAccounts(ctx context.Context, realm, service, prefix, after string, limit int) ([]store.StoredAccount, error) {
	text, args := selectAccounts, []any{realm, service, max(prefix, after), after}
	if end := behind(prefix); end != "" {
		text, args = selectAccountsBelow, append(args, end)
	}
	var accounts []store.StoredAccount
	err := s.engine.read(ctx).each(func(row scanner) error {
		account, err := scanAccount(row)
		accounts = append(accounts, account)
		return err
	}, text, append(args, int64(limit))...)
	return accounts, verdict("list accounts", err)
}

// behind is the first text, in the order of bytes, that comes after all that begin
// with a prefix; "" when there is none.
func behind(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch last {
		case utf8.MaxRune:
			continue
		case 0xd7ff: // surrogates are no characters
			last = 0xdfff
		}
		return prefix + string(last+1)
	}
	return ""
}

func scanAccount(row scanner) (store.StoredAccount, error) {
	var a store.StoredAccount
	var disabled, created, updated, changed int64
	err := row.Scan(&a.Realm, &a.Service, &a.ID, &a.Username, &a.Password, &disabled, &a.Claims, &a.Version, &created, &updated, &changed)
	if err != nil {
		return store.StoredAccount{}, fmt.Errorf("a stored account: %w", err)
	}
	a.Disabled = disabled != 0
	a.Created, a.Updated, a.PasswordChanged = moment(created), moment(updated), moment(changed)
	return a, nil
}

package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	credentialColumns = `realm, service, account, kind, id, label, data, counter, created, last_used`

	ofAccount = ` realm = ? AND service = ? AND account = ?`

	// What counts credentials, or puts some in the place of others, waits here for
	// those before it, on any engine.
	lockCredentials = `UPDATE meta SET value = value + 1 WHERE name = 'credentials'`

	newCredential = `INSERT INTO credentials (` + credentialColumns + `)
		SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT),
			CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT)
		WHERE (SELECT COUNT(*) FROM credentials WHERE` + ofAccount + ` AND kind <> 2 AND NOT (kind = ? AND id = ?)) < ?`

	insertPasskey = newCredential + ` ON CONFLICT DO NOTHING`

	// A code that was used stays used, whichever secret is asked.
	putTOTP = newCredential + ` ON CONFLICT (realm, service, account, kind, id) DO UPDATE
		SET label = excluded.label, data = excluded.data, created = excluded.created, last_used = excluded.last_used,
			counter = CASE WHEN credentials.counter > excluded.counter THEN credentials.counter ELSE excluded.counter END`

	selectCredentials = `SELECT ` + credentialColumns + ` FROM credentials WHERE` + ofAccount

	selectPasskey = `SELECT ` + credentialColumns + ` FROM credentials WHERE realm = ? AND id = ? AND kind = 3`

	// The row count decides who uses a code or a count first. The data has to be what
	// the caller has checked with.
	useCredential = `UPDATE credentials SET data = ?, counter = ?, last_used = ?
		WHERE` + ofAccount + ` AND kind = ? AND id = ? AND data = ?
			AND (counter < ? OR kind = 3 AND counter = 0 AND CAST(? AS BIGINT) = 0)`

	renameCredential = `UPDATE credentials SET label = ? WHERE` + ofAccount + ` AND kind <> 2 AND id = ?`

	removeCredential = `DELETE FROM credentials WHERE` + ofAccount + ` AND kind <> 2 AND id = ?`

	removeCredentials = `DELETE FROM credentials WHERE` + ofAccount

	// Recovery codes are for those who have something to lose.
	removeLoneRecovery = `DELETE FROM credentials WHERE` + ofAccount + ` AND kind = 2
		AND NOT EXISTS (SELECT 1 FROM credentials WHERE` + ofAccount + ` AND kind <> 2)`

	removeRecovery = `DELETE FROM credentials WHERE` + ofAccount + ` AND kind = 2`

	insertRecovery = `INSERT INTO credentials (` + credentialColumns + `) VALUES (?, ?, ?, 2, ?, '', '', 0, ?, 0)`

	useRecovery = `DELETE FROM credentials WHERE` + ofAccount + ` AND kind = 2 AND id = ?`

	countRecovery = `SELECT COUNT(*) FROM credentials WHERE` + ofAccount + ` AND kind = 2`
)

// AddCredential stores a credential.
func (s *Store) AddCredential(ctx context.Context, c store.Credential) error {
	text := insertPasskey
	if c.Kind == store.CredentialTOTP {
		text = putTOTP
	}
	return change(ctx, s, "add a credential", func(q querier) error {
		if _, err := q.exec(lockCredentials); err != nil {
			return err
		}
		added, err := q.exec(text, c.Realm, c.Account.Service, c.Account.ID, int64(c.Kind), c.ID, c.Label,
			c.Data, c.Counter, seconds(c.Created), seconds(c.LastUsed),
			c.Realm, c.Account.Service, c.Account.ID, int64(c.Kind), c.ID, int64(store.MaxCredentials))
		if err != nil || added == 1 {
			return err
		}
		if c.Kind != store.CredentialTOTP {
			if _, err := scanCredential(q.row(selectPasskey, c.Realm, c.ID)); err == nil {
				return store.ErrExists
			}
		}
		return store.ErrTooManyCredentials
	})
}

// Credentials are those of an account.
func (s *Store) Credentials(ctx context.Context, realm string, account store.Account) ([]store.Credential, error) {
	var all []store.Credential
	err := s.engine.read(ctx).each(func(row scanner) error {
		c, err := scanCredential(row)
		all = append(all, c)
		return err
	}, selectCredentials, realm, account.Service, account.ID)
	if err != nil {
		return nil, verdict("list the credentials of an account", err)
	}
	slices.SortFunc(all, func(a, b store.Credential) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// Passkey reads the passkey of an id.
func (s *Store) Passkey(ctx context.Context, realm, id string) (store.Credential, error) {
	c, err := scanCredential(s.engine.read(ctx).row(selectPasskey, realm, id))
	return c, verdict("read a passkey", err)
}

// UseCredential notes the use of a credential.
func (s *Store) UseCredential(ctx context.Context, read store.Credential, data string, counter int64, now time.Time) error {
	return s.one(ctx, "use a credential", useCredential, data, counter, seconds(now),
		read.Realm, read.Account.Service, read.Account.ID, int64(read.Kind), read.ID, read.Data, counter, counter)
}

// RenameCredential gives an app or passkey another label.
func (s *Store) RenameCredential(ctx context.Context, realm string, account store.Account, id, label string) error {
	return s.one(ctx, "rename a credential", renameCredential, label, realm, account.Service, account.ID, id)
}

// one takes a step that changes one row or finds none.
func (s *Store) one(ctx context.Context, what, text string, args ...any) error {
	return change(ctx, s, what, func(q querier) error {
		changed, err := q.exec(text, args...)
		if err == nil && changed == 0 {
			return store.ErrNotFound
		}
		return err
	})
}

// RemoveCredential removes an app or passkey.
func (s *Store) RemoveCredential(ctx context.Context, realm string, account store.Account, id string) error {
	return change(ctx, s, "remove a credential", func(q querier) error {
		removed, err := q.exec(removeCredential, realm, account.Service, account.ID, id)
		if err != nil {
			return err
		}
		if removed == 0 {
			return store.ErrNotFound
		}
		_, err = q.exec(removeLoneRecovery, realm, account.Service, account.ID, realm, account.Service, account.ID)
		return err
	})
}

// RemoveCredentials removes all of an account.
func (s *Store) RemoveCredentials(ctx context.Context, realm string, account store.Account) (int, error) {
	removed, err := write(ctx, s, "remove the credentials of an account", func(q querier) (int64, error) {
		return q.exec(removeCredentials, realm, account.Service, account.ID)
	})
	return int(removed), err
}

// ReplaceRecovery stores recovery codes in place of those that the account has.
func (s *Store) ReplaceRecovery(ctx context.Context, realm string, account store.Account, ids []string, now time.Time) error {
	return change(ctx, s, "replace recovery codes", func(q querier) error {
		if _, err := q.exec(lockCredentials); err != nil {
			return err
		}
		if _, err := q.exec(removeRecovery, realm, account.Service, account.ID); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := q.exec(insertRecovery, realm, account.Service, account.ID, id, seconds(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// UseRecovery uses up the recovery code that one of ids names.
func (s *Store) UseRecovery(ctx context.Context, realm string, account store.Account, ids []string) (int, error) {
	return write(ctx, s, "use a recovery code", func(q querier) (left int, err error) {
		for _, id := range ids {
			used, err := q.exec(useRecovery, realm, account.Service, account.ID, id)
			if err != nil {
				return 0, err
			}
			if used == 1 {
				err := q.row(countRecovery, realm, account.Service, account.ID).Scan(&left)
				return left, err
			}
		}
		return 0, store.ErrNotFound
	})
}

// scanCredential reads a row of credentialColumns.
func scanCredential(row scanner) (c store.Credential, err error) {
	var created, used int64
	err = row.Scan(&c.Realm, &c.Account.Service, &c.Account.ID, &c.Kind, &c.ID, &c.Label, &c.Data, &c.Counter, &created, &used)
	if err != nil {
		return store.Credential{}, err
	}
	c.Created, c.LastUsed = moment(created), moment(used)
	return c, nil
}

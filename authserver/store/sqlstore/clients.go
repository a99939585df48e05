package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// removedFor is how long the row of a removed client is kept for nodes that have
// not heard of it. One that has heard nothing for so long must read all anew.
const removedFor = time.Hour

// unheardFor is how long nodes may go on with a client that was removed.
const unheardFor = 2 * time.Second

const (
	// As for revocations, the counted row stays locked until the commit: changes
	// become visible in the order of their positions, and one comes after the
	// other.
	nextClient = `UPDATE meta SET value = value + 1 WHERE name = 'clients' RETURNING value`

	// The row count decides who creates a client. The row of a removed one is
	// taken over; the new one begins when no node knew the old one any more, so
	// that what was agreed to with that one is older.
	createClient = `INSERT INTO clients (realm, id, position, registration, created, updated, removed, purge_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, ` + neverPurged + `)
		ON CONFLICT (realm, id) DO UPDATE SET position = excluded.position, registration = excluded.registration,
			created = CASE WHEN excluded.created > clients.purge_at - ? THEN excluded.created ELSE clients.purge_at - ? END,
			updated = excluded.updated, removed = 0, purge_at = excluded.purge_at
		WHERE clients.removed = 1`

	replaceClient = `UPDATE clients SET position = ?, registration = ?, updated = ?
		WHERE realm = ? AND id = ? AND removed = 0 AND (position = ? OR CAST(? AS BIGINT) = 0)`

	removeClient = `UPDATE clients SET position = ?, registration = '', removed = 1, purge_at = ?
		WHERE realm = ? AND id = ? AND removed = 0 AND (position = ? OR CAST(? AS BIGINT) = 0)`

	bumpClient = `UPDATE clients SET position = ? WHERE realm = ? AND id = ? AND removed = 0`

	selectPresent = `SELECT position FROM clients WHERE realm = ? AND id = ? AND removed = 0`

	endClientCodes = `UPDATE grants SET state = 2 WHERE realm = ? AND client_id = ? AND client_id <> '' AND id >= ? AND state = 0`

	insertSecret = `INSERT INTO client_secrets (realm, client_id, id, digest, created, expires, last_used)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	deleteExpiredSecrets = `DELETE FROM client_secrets WHERE realm = ? AND client_id = ? AND expires <= ?`

	countSecrets = `SELECT COUNT(*) FROM client_secrets WHERE realm = ? AND client_id = ?`

	deleteSecret = `DELETE FROM client_secrets WHERE realm = ? AND client_id = ? AND id = ?`

	deleteSecrets = `DELETE FROM client_secrets WHERE realm = ? AND client_id = ?`

	touchSecret = `UPDATE client_secrets SET last_used = ? WHERE realm = ? AND client_id = ? AND id = ? AND last_used < ?`

	clientColumns = `SELECT c.position, c.realm, c.id, c.registration, c.created, c.updated, c.removed,
		COALESCE(s.id, ''), COALESCE(s.digest, ''), COALESCE(s.created, 0), COALESCE(s.expires, 0), COALESCE(s.last_used, 0)`

	withSecrets = ` FROM clients c LEFT JOIN client_secrets s ON s.realm = c.realm AND s.client_id = c.id `

	selectClient = clientColumns + withSecrets + `WHERE c.realm = ? AND c.id = ? AND c.removed = 0`

	selectClients = clientColumns + withSecrets + `WHERE c.realm = ? AND c.id > ? AND c.removed = 0 ORDER BY c.realm, c.id LIMIT ?`

	selectClientChanges = clientColumns + withSecrets + `WHERE c.position > ? ORDER BY c.position`
)

// neverPurged is never, for the text of a statement.
const neverPurged = `9223372036854775807`

// CreateClient stores a new client with its secrets.
func (s *Store) CreateClient(ctx context.Context, c store.StoredClient) (int64, error) {
	return write(ctx, s, "create a client", func(q querier) (int64, error) {
		var position int64
		if err := q.row(nextClient).Scan(&position); err != nil {
			return 0, err
		}
		heard := int64((removedFor - unheardFor) / time.Second)
		created, err := q.exec(createClient, c.Realm, c.ID, position, c.Registration, seconds(c.Created), seconds(c.Updated), heard, heard)
		if err != nil {
			return 0, err
		}
		if created == 0 {
			return 0, store.ErrExists
		}
		for _, secret := range c.Secrets {
			if _, err := putSecret(q, c.Realm, c.ID, secret); err != nil {
				return 0, err
			}
		}
		return position, nil
	})
}

// ReplaceClient puts another registration in the place of the one there is.
func (s *Store) ReplaceClient(ctx context.Context, c store.StoredClient, codesFrom string) (int64, error) {
	return write(ctx, s, "replace a client", func(q querier) (int64, error) { return replace(q, c, codesFrom) })
}

// RestoreClient does the same with the secrets.
func (s *Store) RestoreClient(ctx context.Context, c store.StoredClient, codesFrom string) (int64, error) {
	return write(ctx, s, "restore a client", func(q querier) (int64, error) {
		position, err := replace(q, c, codesFrom)
		if err != nil {
			return 0, err
		}
		if _, err := q.exec(deleteSecrets, c.Realm, c.ID); err != nil {
			return 0, err
		}
		for _, secret := range c.Secrets {
			if _, err := putSecret(q, c.Realm, c.ID, secret); err != nil {
				return 0, err
			}
		}
		return position, nil
	})
}

// replace puts another registration in the place of the one there is, and gives
// its position.
func replace(q querier, c store.StoredClient, codesFrom string) (position int64, err error) {
	if err := q.row(nextClient).Scan(&position); err != nil {
		return 0, err
	}
	replaced, err := q.exec(replaceClient, position, c.Registration, seconds(c.Updated), c.Realm, c.ID, c.Version, c.Version)
	if err != nil {
		return 0, err
	}
	if replaced == 0 {
		return 0, otherVersion(q, selectPresent, c.Realm, c.ID)
	}
	if codesFrom != "" {
		_, err = q.exec(endClientCodes, c.Realm, c.ID, codesFrom)
	}
	return position, err
}

// otherVersion says why no row has the version that was asked for.
func otherVersion(q querier, selectVersion string, key ...any) error {
	var position int64
	err := q.row(selectVersion, key...).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	if err != nil {
		return err
	}
	return store.ErrConflict
}

// DeleteClient removes a client and revokes all that it was given. The row stays a while, so
// that other nodes hear of it.
func (s *Store) DeleteClient(ctx context.Context, realm, id string, version int64, now time.Time) error {
	return change(ctx, s, "delete a client", func(q querier) error {
		var position int64
		if err := q.row(nextClient).Scan(&position); err != nil {
			return err
		}
		removed, err := q.exec(removeClient, position, seconds(now.Add(removedFor)), realm, id, version, version)
		if err != nil {
			return err
		}
		if removed == 0 {
			return otherVersion(q, selectPresent, realm, id)
		}
		if _, err := q.exec(deleteSecrets, realm, id); err != nil {
			return err
		}
		// The newest grants end here, all others by the entry; RevokeAll and the
		// upkeep do the rest.
		reach := store.Reach{Realm: realm, ClientID: id}
		entry := reach.Revocation(now)
		if _, err := (ender{reach: reach, began: never, notBefore: seconds(entry.NotBefore), now: now}).page(q, ""); err != nil {
			return err
		}
		return putEntry(q, entry, now)
	})
}

// AddSecret gives a client one more secret.
func (s *Store) AddSecret(ctx context.Context, realm, id string, secret store.StoredSecret) error {
	return s.changeClient(ctx, "add a secret to a client", realm, id, func(q querier) error {
		if _, err := q.exec(deleteExpiredSecrets, realm, id, seconds(secret.Created)); err != nil {
			return err
		}
		// The locked counter lets no other change in between.
		var count int
		if err := q.row(countSecrets, realm, id).Scan(&count); err != nil {
			return err
		}
		if count >= store.MaxClientSecrets {
			return store.ErrExists
		}
		added, err := putSecret(q, realm, id, secret)
		if err == nil && added == 0 {
			return store.ErrExists
		}
		return err
	})
}

// RemoveSecret takes a secret off a client.
func (s *Store) RemoveSecret(ctx context.Context, realm, id, secretID string) error {
	return s.changeClient(ctx, "remove a secret of a client", realm, id, func(q querier) error {
		removed, err := q.exec(deleteSecret, realm, id, secretID)
		if err == nil && removed == 0 {
			return store.ErrNotFound
		}
		return err
	})
}

// changeClient changes what belongs to a client, so that other nodes hear of it.
func (s *Store) changeClient(ctx context.Context, what, realm, id string, step func(querier) error) error {
	return change(ctx, s, what, func(q querier) error {
		var position int64
		if err := q.row(nextClient).Scan(&position); err != nil {
			return err
		}
		found, err := q.exec(bumpClient, position, realm, id)
		if err != nil {
			return err
		}
		if found == 0 {
			return store.ErrNotFound
		}
		return step(q)
	})
}

func putSecret(q querier, realm, id string, secret store.StoredSecret) (int64, error) {
	return q.exec(insertSecret, realm, id, secret.ID, string(secret.Digest),
		seconds(secret.Created), end(secret.Expires), seconds(secret.LastUsed))
}

// TouchSecret notes that a secret was used.
func (s *Store) TouchSecret(ctx context.Context, realm, id, secretID string, used time.Time) error {
	return change(ctx, s, "note that a secret was used", func(q querier) error {
		_, err := q.exec(touchSecret, seconds(used), realm, id, secretID, seconds(used))
		return err
	})
}

// StoredClient reads a client.
func (s *Store) StoredClient(ctx context.Context, realm, id string) (store.StoredClient, error) {
	found, _, err := s.readClients(ctx, selectClient, realm, id)
	if err != nil {
		return store.StoredClient{}, verdict("read a client", err)
	}
	if len(found) == 0 {
		return store.StoredClient{}, store.ErrNotFound
	}
	return found[0], nil
}

// StoredClients lists clients of a realm by id.
func (s *Store) StoredClients(ctx context.Context, realm, after string, limit int) ([]store.StoredClient, error) {
	// As many rows as the secrets of so many clients can be.
	found, _, err := s.readClients(ctx, selectClients, realm, after, int64(limit*store.MaxClientSecrets))
	return found[:min(limit, len(found))], verdict("list the clients of a realm", err)
}

// ClientChanges reads what has changed after a position.
func (s *Store) ClientChanges(ctx context.Context, after int64) ([]store.StoredClient, int64, error) {
	changes, next, err := s.readClients(ctx, selectClientChanges, after)
	if err != nil {
		return nil, after, verdict("read the changes of clients", err)
	}
	return changes, max(next, after), nil
}

// readClients reads clients with their secrets, one row for each secret, and
// gives the position of the last.
func (s *Store) readClients(ctx context.Context, text string, args ...any) (found []store.StoredClient, last int64, err error) {
	err = s.engine.read(ctx).each(func(row scanner) error {
		var c store.StoredClient
		var secret store.StoredSecret
		var created, updated, removed, secretCreated, expires, used int64
		err := row.Scan(&c.Version, &c.Realm, &c.ID, &c.Registration, &created, &updated, &removed,
			&secret.ID, &secret.Digest, &secretCreated, &expires, &used)
		if err != nil {
			return fmt.Errorf("a stored client: %w", err)
		}
		if n := len(found); n == 0 || found[n-1].Version != c.Version {
			c.Created, c.Updated, c.Removed = moment(created), moment(updated), removed != 0
			found, last = append(found, c), c.Version
		}
		if secret.ID != "" {
			secret.Created, secret.Expires, secret.LastUsed = moment(secretCreated), ending(expires), moment(used)
			client := &found[len(found)-1]
			client.Secrets = append(client.Secrets, secret)
		}
		return nil
	}, text, args...)
	for i := range found {
		slices.SortFunc(found[i].Secrets, func(a, b store.StoredSecret) int {
			return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
		})
	}
	return found, last, err
}

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const keyColumns = `realm, id, purpose, algorithm, state, wrapped, created`

const (
	// A unique index over the active keys decides which of racing nodes makes
	// the key of a purpose and algorithm.
	insertKey = `INSERT INTO keys (` + keyColumns + `) VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING`

	selectActiveKey = `SELECT ` + keyColumns + ` FROM keys
		WHERE realm = ? AND purpose = ? AND algorithm = ? AND state = 1`

	selectKeys = `SELECT ` + keyColumns + ` FROM keys WHERE realm = ? ORDER BY created, id`
)

// Keys lists the keys of a realm, oldest first.
func (s *Store) Keys(ctx context.Context, realm string) ([]store.Key, error) {
	var keys []store.Key
	err := s.engine.read(ctx).each(func(row scanner) error {
		key, err := scanKey(row)
		keys = append(keys, key)
		return err
	}, selectKeys, realm)
	if err != nil {
		return nil, verdict("read the keys", err)
	}
	return keys, nil
}

// CreateKey stores a new active key unless there is one already, and returns
// the one that is active afterwards.
func (s *Store) CreateKey(ctx context.Context, key store.Key) (store.Key, error) {
	return write(ctx, s, "create a key", func(q querier) (store.Key, error) {
		_, err := q.exec(insertKey, key.Realm, key.ID, string(key.Purpose), key.Algorithm,
			base64.StdEncoding.EncodeToString(key.Wrapped), seconds(key.Created))
		if err != nil {
			return store.Key{}, err
		}
		active, err := scanKey(q.row(selectActiveKey, key.Realm, string(key.Purpose), key.Algorithm))
		if errors.Is(err, sql.ErrNoRows) {
			// Nothing was stored, yet none is active: the id is another key's.
			return store.Key{}, store.ErrExists
		}
		return active, err
	})
}

// scanKey reads a row of keyColumns.
func scanKey(row scanner) (store.Key, error) {
	var key store.Key
	var wrapped string
	var created int64
	err := row.Scan(&key.Realm, &key.ID, &key.Purpose, &key.Algorithm, &key.State, &wrapped, &created)
	if err != nil {
		return store.Key{}, err
	}
	if key.Wrapped, err = base64.StdEncoding.DecodeString(wrapped); err != nil {
		return store.Key{}, fmt.Errorf("stored key %s is not base64: %w", key.ID, err)
	}
	key.Created = moment(created)
	return key, nil
}

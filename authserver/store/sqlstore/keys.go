package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const keyColumns = `realm, id, purpose, algorithm, state, wrapped, wrapped_by, created, since`

const (
	// As for revocations, the counted row stays locked until the commit: changes
	// become visible in the order of their positions, on any engine. Every change
	// of keys begins with it, so that of two that meet one waits and then sees
	// what the other did.
	nextKeyPosition = `UPDATE meta SET value = value + 1 WHERE name = 'keys' RETURNING value`

	// Unique indexes over the active and the next keys decide which of racing
	// nodes makes the key of a purpose and algorithm.
	insertKey = `INSERT INTO keys (` + keyColumns + `, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	selectActiveKey = `SELECT ` + keyColumns + ` FROM keys
		WHERE realm = ? AND purpose = ? AND algorithm = ? AND state = 1`

	selectKeys = `SELECT ` + keyColumns + ` FROM keys WHERE realm = ? ORDER BY created, id`

	selectKeyChanges = `SELECT realm, position FROM keys WHERE position > ? ORDER BY position`

	purgeKeys = `DELETE FROM keys WHERE (realm, id) IN
		(SELECT realm, id FROM keys WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`
)

// Keys lists the keys of a realm, oldest first.
func (s *Store) Keys(ctx context.Context, realm string) ([]store.Key, error) {
	keys, err := listKeys(s.engine.read(ctx), selectKeys, realm)
	if err != nil {
		return nil, verdict("read the keys", err)
	}
	return keys, nil
}

// KeyChanges tells the realms whose keys have changed after a position.
func (s *Store) KeyChanges(ctx context.Context, after int64) ([]string, int64, error) {
	var realms []string
	next := after
	err := s.engine.read(ctx).each(func(row scanner) error {
		var realm string
		err := row.Scan(&realm, &next)
		if !slices.Contains(realms, realm) {
			realms = append(realms, realm)
		}
		return err
	}, selectKeyChanges, after)
	if err != nil {
		return nil, after, verdict("read the changes of keys", err)
	}
	return realms, next, nil
}

// CreateKey stores a new active key unless there is one already, and returns
// the one that is active afterwards.
func (s *Store) CreateKey(ctx context.Context, key store.Key) (store.Key, error) {
	return write(ctx, s, "create a key", func(q querier) (store.Key, error) {
		if _, err := insert(q, key, store.KeyActive); err != nil {
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

// AddNextKey stores the key that is to follow the active one.
func (s *Store) AddNextKey(ctx context.Context, key store.Key) error {
	return change(ctx, s, "add the next key", func(q querier) error {
		added, err := insert(q, key, store.KeyNext)
		if err == nil && added == 0 {
			return store.ErrExists
		}
		return err
	})
}

// insert stores a key in a state unless its id or its place is taken. It holds
// the counted row first, so that what wraps now is known for sure.
func insert(q querier, key store.Key, state store.KeyState) (added int64, err error) {
	position, err := keyPosition(q)
	if err != nil {
		return 0, err
	}
	var wraps string
	err = q.row(selectRemembered, store.EncryptionKeyCheck).Scan(&wraps)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, err
	case wraps != key.WrappedBy:
		return 0, errRewrapped
	}
	return q.exec(insertKey, key.Realm, key.ID, string(key.Purpose), key.Algorithm, int64(state),
		base64.StdEncoding.EncodeToString(key.Wrapped), key.WrappedBy, seconds(key.Created), seconds(key.Since), position)
}

var errRewrapped = errors.New("the private keys in the database are wrapped with another encryption key by now; " +
	"put that one into the configuration as encryption_key")

func keyPosition(q querier) (position int64, err error) {
	err = q.row(nextKeyPosition).Scan(&position)
	return position, err
}

func listKeys(q querier, text string, args ...any) (keys []store.Key, err error) {
	err = q.each(func(row scanner) error {
		key, err := scanKey(row)
		keys = append(keys, key)
		return err
	}, text, args...)
	return keys, err
}

// scanKey reads a row of keyColumns.
func scanKey(row scanner) (store.Key, error) {
	var key store.Key
	var wrapped string
	var created, since int64
	err := row.Scan(&key.Realm, &key.ID, &key.Purpose, &key.Algorithm, &key.State, &wrapped, &key.WrappedBy, &created, &since)
	if err != nil {
		return store.Key{}, err
	}
	if key.Wrapped, err = base64.StdEncoding.DecodeString(wrapped); err != nil {
		return store.Key{}, fmt.Errorf("stored key %s is not base64: %w", key.ID, err)
	}
	key.Created, key.Since = moment(created), moment(since)
	return key, nil
}

// keepRetired is how long the row of a key stays after its end, so that every
// node hears of it and operators can see it.
const keepRetired = 7 * 24 * time.Hour

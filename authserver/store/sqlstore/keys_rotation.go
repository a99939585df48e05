package sqlstore

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// The active key steps back only for a next one that may follow it now.
	demoteKey = `UPDATE keys SET state = 2, since = ?, position = ?
		WHERE realm = ? AND state = 1 AND EXISTS (SELECT 1 FROM keys AS follower
			WHERE follower.realm = keys.realm AND follower.id = ? AND follower.state = 3 AND follower.since <= ?
				AND follower.purpose = keys.purpose AND follower.algorithm = keys.algorithm)`

	promoteKey = `UPDATE keys SET state = 1, since = ?, position = ?
		WHERE realm = ? AND id = ? AND state = 3 AND since <= ?`

	// An operator's key that is found out later opens nothing that is erased.
	retireKey = `UPDATE keys SET state = 4, wrapped = '', since = ?, position = ?, purge_at = ?
		WHERE realm = ? AND id = ? AND state = 2 AND since <= ?`

	selectKeyToRemove = `SELECT ` + keyColumns + ` FROM keys WHERE realm = ? AND id = ? AND state <> 4`

	removeKey = `UPDATE keys SET state = 4, wrapped = '', since = ?, position = ?, purge_at = ?
		WHERE realm = ? AND id = ? AND state <> 4`

	followRemoved = `UPDATE keys SET state = 1, since = ?, position = ?
		WHERE realm = ? AND purpose = ? AND algorithm = ? AND state = 3`

	restampKey = `UPDATE keys SET since = ?, position = ? WHERE realm = ? AND id = ? AND since > ?`

	selectKeysToRewrap = `SELECT ` + keyColumns + ` FROM keys WHERE state <> 4 AND wrapped_by <> ? ORDER BY realm, id`

	rewrapKey = `UPDATE keys SET wrapped = ?, wrapped_by = ?, position = ? WHERE realm = ? AND id = ?`

	moveCheck = `INSERT INTO remembered (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// PromoteKey makes a next key active and the active one retiring.
func (s *Store) PromoteKey(ctx context.Context, realm, id string, waited, now time.Time) error {
	return change(ctx, s, "promote a key", func(q querier) error {
		position, err := keyPosition(q)
		if err != nil {
			return err
		}
		// First, for there is one active key at a time.
		if _, err := q.exec(demoteKey, seconds(now), position, realm, id, seconds(waited)); err != nil {
			return err
		}
		return one(q.exec(promoteKey, seconds(now), position, realm, id, seconds(waited)))
	})
}

// RetireKey ends a retiring key.
func (s *Store) RetireKey(ctx context.Context, realm, id string, waited, now time.Time) error {
	return change(ctx, s, "retire a key", func(q querier) error {
		position, err := keyPosition(q)
		if err != nil {
			return err
		}
		return one(q.exec(retireKey, seconds(now), position, seconds(now.Add(keepRetired)), realm, id, seconds(waited)))
	})
}

// RemoveKey ends a key in whatever state. The realm is not without an active
// one at any moment: all of it is one transaction.
func (s *Store) RemoveKey(ctx context.Context, realm, id string, successor *store.Key, now time.Time) error {
	return change(ctx, s, "remove a key", func(q querier) error {
		position, err := keyPosition(q)
		if err != nil {
			return err
		}
		removed, err := scanKey(q.row(selectKeyToRemove, realm, id))
		if err != nil {
			return err
		}
		err = one(q.exec(removeKey, seconds(now), position, seconds(now.Add(keepRetired)), realm, id))
		if err != nil || removed.State != store.KeyActive {
			return err
		}
		followed, err := q.exec(followRemoved, seconds(now), position, realm, string(removed.Purpose), removed.Algorithm)
		if err != nil || followed == 1 || successor == nil {
			return err
		}
		return one(insert(q, *successor, store.KeyActive))
	})
}

// RestampKey corrects what a clock that was ahead has written.
func (s *Store) RestampKey(ctx context.Context, realm, id string, limit, now time.Time) error {
	return change(ctx, s, "correct the time of a key", func(q querier) error {
		position, err := keyPosition(q)
		if err != nil {
			return err
		}
		return one(q.exec(restampKey, seconds(now), position, realm, id, seconds(limit)))
	})
}

// RewrapKeys seals every key with another operator's key, and moves the check
// value with them. No key can be added meanwhile.
func (s *Store) RewrapKeys(ctx context.Context, to string, rewrap func(store.Key) ([]byte, error)) (int, error) {
	return write(ctx, s, "rewrap the keys", func(q querier) (int, error) {
		position, err := keyPosition(q)
		if err != nil {
			return 0, err
		}
		keys, err := listKeys(q, selectKeysToRewrap, to)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			wrapped, err := rewrap(key)
			if err != nil {
				return 0, fmt.Errorf("key %s of realm %s: %w", key.ID, key.Realm, err)
			}
			err = one(q.exec(rewrapKey, base64.StdEncoding.EncodeToString(wrapped), to, position, key.Realm, key.ID))
			if err != nil {
				return 0, err
			}
		}
		_, err = q.exec(moveCheck, store.EncryptionKeyCheck, to)
		return len(keys), err
	})
}

// one is for steps that change one row or none: then there is nothing to do.
func one(changed int64, err error) error {
	if err == nil && changed == 0 {
		return store.ErrNotFound
	}
	return err
}

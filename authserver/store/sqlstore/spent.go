package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// The row count decides who was first. What would have been forgotten already
	// is not taken: meta says up to which expiry ids are gone.
	insertSpent = `INSERT INTO spent (id, expires)
		SELECT CAST(? AS TEXT), CAST(? AS BIGINT)
		WHERE CAST(? AS BIGINT) > (SELECT value FROM meta WHERE name = 'spent')
		ON CONFLICT DO NOTHING`

	// On PostgreSQL an insert may have waited for the end of a deletion of the same
	// id, which its first look at meta came before.
	selectForgotten = `SELECT COUNT(*) FROM meta WHERE name = 'spent' AND value >= ?`

	purgeSpent = `DELETE FROM spent WHERE id IN
		(SELECT id FROM spent WHERE expires <= ? ORDER BY expires LIMIT ?) RETURNING expires`

	forgetSpent = `UPDATE meta SET value = ? WHERE name = 'spent' AND value < ?`
)

// Spend uses up what may be used once.
func (s *Store) Spend(ctx context.Context, id string, expires time.Time) error {
	id, at := spentID(id), seconds(expires)
	return change(ctx, s, "spend an id", func(q querier) error {
		spent, err := q.exec(insertSpent, id, at, at)
		if err != nil {
			return err
		}
		if spent == 0 {
			return store.ErrExists
		}
		var forgotten int
		err = q.row(selectForgotten, at).Scan(&forgotten)
		if err == nil && forgotten > 0 {
			return store.ErrExists
		}
		return err
	})
}

// longestID is the longest id that is kept as it is: an index of PostgreSQL takes
// about 2,700 bytes.
const longestID = 500

// spentID is the stored form of an id, which a stranger may have made long.
func spentID(id string) string {
	if len(id) <= longestID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// deleteSpent forgets ids that have expired, and in the same step up to which
// expiry: a clock that is set back later lets none of them in again.
func deleteSpent(q querier, now time.Time, limit int) (deleted int64, err error) {
	var last int64
	err = q.each(func(row scanner) error {
		var expires int64
		if err := row.Scan(&expires); err != nil {
			return err
		}
		deleted++
		last = max(last, expires)
		return nil
	}, purgeSpent, seconds(now), int64(limit))
	if err != nil || deleted == 0 {
		return 0, err
	}
	_, err = q.exec(forgetSpent, last, last)
	return deleted, err
}

package sqlstore

import (
	"context"
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
	return change(ctx, s, "spend an id", func(q querier) error {
		at := seconds(expires)
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

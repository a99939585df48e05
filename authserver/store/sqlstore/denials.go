package sqlstore

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// As for revocations, the counted row stays locked until the commit: changes
	// become visible in the order of their positions, on any engine.
	nextDenial = `UPDATE meta SET value = value + 1 WHERE name = 'denials' RETURNING value`

	// A row stays for as long as any node can hold an earlier form of it to be
	// true: what it said before may have ended later than what it says now.
	putDenial = `INSERT INTO denials (id, position, kind, item, issuer, not_before, expires, created, removed, purge_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (id) DO UPDATE SET position = excluded.position, not_before = excluded.not_before,
			expires = excluded.expires, created = excluded.created, removed = 0,
			purge_at = CASE WHEN denials.purge_at > excluded.purge_at THEN denials.purge_at ELSE excluded.purge_at END`

	removeDenial = `UPDATE denials SET position = ?, removed = 1 WHERE id = ? AND removed = 0`

	selectDenials = `SELECT position, kind, item, issuer, not_before, expires, created, removed FROM denials
		WHERE position > ? ORDER BY position`
)

// unheard is how long a row outlives its entry, so that every node hears of its
// last change.
const unheard = 5 * time.Minute

// PutDenial puts an entry on the deny-list or replaces it.
func (s *Store) PutDenial(ctx context.Context, d store.Denial) error {
	return change(ctx, s, "put an entry on the deny-list", func(q querier) error {
		var position int64
		if err := q.row(nextDenial).Scan(&position); err != nil {
			return err
		}
		_, err := q.exec(putDenial, d.ID(), position, string(d.Kind), d.Value, d.Issuer,
			seconds(d.NotBefore), seconds(d.Expires), seconds(d.Created), seconds(d.Expires.Add(unheard)))
		return err
	})
}

// DeleteDenial takes an entry off the deny-list. The row stays, so that other
// nodes hear of it.
func (s *Store) DeleteDenial(ctx context.Context, id string) error {
	return change(ctx, s, "take an entry off the deny-list", func(q querier) error {
		var position int64
		if err := q.row(nextDenial).Scan(&position); err != nil {
			return err
		}
		removed, err := q.exec(removeDenial, position, id)
		if err == nil && removed == 0 {
			return store.ErrNotFound
		}
		return err
	})
}

// Denials reads what has changed on the deny-list after a position.
func (s *Store) Denials(ctx context.Context, after int64) ([]store.Denial, int64, error) {
	var changes []store.Denial
	next := after
	err := s.engine.read(ctx).each(func(row scanner) error {
		var d store.Denial
		var notBefore, expires, created, removed int64
		if err := row.Scan(&next, &d.Kind, &d.Value, &d.Issuer, &notBefore, &expires, &created, &removed); err != nil {
			return err
		}
		d.NotBefore, d.Expires, d.Created, d.Removed = moment(notBefore), moment(expires), moment(created), removed != 0
		changes = append(changes, d)
		return nil
	}, selectDenials, after)
	if err != nil {
		return nil, after, verdict("read the deny-list", err)
	}
	return changes, next, nil
}

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	insertRemembered = `INSERT INTO remembered (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`
	selectRemembered = `SELECT value FROM remembered WHERE name = ?`

	// The row count decides who holds the lease.
	takeLease = `INSERT INTO leases (name, owner, until) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
		WHERE leases.owner = excluded.owner OR leases.until <= ?`

	selectLease = `SELECT until FROM leases WHERE name = ?`
)

// purges delete the oldest rows of each table that has an end. The end is
// asked for twice, for a row that moved on since it was chosen stays; the plus
// keeps that second question from being answered by walking the index.
var purges = []string{
	`DELETE FROM grants WHERE (realm, id) IN
		(SELECT realm, id FROM grants WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`,
	`DELETE FROM revocations WHERE position IN
		(SELECT position FROM revocations WHERE expires <= ? AND sweep = 0 ORDER BY expires LIMIT ?) AND +expires <= ?`,
	`DELETE FROM sessions WHERE (realm, digest) IN
		(SELECT realm, digest FROM sessions WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`,
	`DELETE FROM denials WHERE id IN
		(SELECT id FROM denials WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`,
	purgeAudit,
	`DELETE FROM clients WHERE (realm, id) IN
		(SELECT realm, id FROM clients WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`,
	purgeKeys,
	purgeAttempts,
	purgeAccounts,
	purgeLogouts,
}

// Remember stores a value under a name unless there is one already.
func (s *Store) Remember(ctx context.Context, name, value string) (string, error) {
	return write(ctx, s, "remember a value", func(q querier) (string, error) {
		if _, err := q.exec(insertRemembered, name, value); err != nil {
			return "", err
		}
		var stored string
		err := q.row(selectRemembered, name).Scan(&stored)
		return stored, err
	})
}

// Lease takes or renews a named lease.
func (s *Store) Lease(ctx context.Context, name, owner string, until, now time.Time) (bool, error) {
	return write(ctx, s, "take a lease", func(q querier) (bool, error) {
		taken, err := q.exec(takeLease, name, owner, seconds(until), seconds(now))
		return taken == 1, err
	})
}

// LeasedUntil is until when a lease was last taken.
func (s *Store) LeasedUntil(ctx context.Context, name string) (time.Time, error) {
	var until int64
	err := s.engine.read(ctx).row(selectLease, name).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return moment(until), verdict("read a lease", err)
}

// DeleteExpired removes up to limit rows a table. Each table is a step of its
// own, so that other writes get in between.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	total, err := s.sweep(ctx, now)
	if err != nil {
		return total, err
	}
	steps := make([]func(querier) (int64, error), 0, 1+len(purges))
	steps = append(steps, func(q querier) (int64, error) { return deleteSpent(q, now, limit) })
	for _, purge := range purges {
		steps = append(steps, func(q querier) (int64, error) {
			return q.exec(purge, seconds(now), int64(limit), seconds(now))
		})
	}
	for _, step := range steps {
		deleted, err := write(ctx, s, "delete expired rows", step)
		total += int(deleted)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	selectAttempt = `SELECT until, purge_at FROM attempts WHERE realm = ? AND kind = ? AND name = ? AND source = ?`

	// The row count decides whether the try is let in. A wait that is longer than
	// any can be is that of a clock that was set back.
	takeAttempt = `INSERT INTO attempts (realm, kind, name, source, failures, since, until, purge_at)
		VALUES (?, ?, ?, ?, 1, ?, 0, ?)
		ON CONFLICT (realm, kind, name, source) DO UPDATE SET
			failures = CASE WHEN attempts.since <= ? THEN 1 ELSE attempts.failures + 1 END,
			since = CASE WHEN attempts.since <= ? THEN excluded.since ELSE attempts.since END,
			purge_at = excluded.purge_at
		WHERE attempts.until <= ? OR attempts.until > ?
		RETURNING failures, since`

	waitAfterAttempt = `UPDATE attempts SET since = ?, until = ? WHERE realm = ? AND kind = ? AND name = ? AND source = ?`

	// A wait that this try has caused goes with it.
	returnAttempt = `UPDATE attempts SET failures = failures - 1, until = CASE WHEN failures = ? OR CAST(? AS BIGINT) = 1 THEN 0 ELSE until END
		WHERE realm = ? AND kind = ? AND name = ? AND source = ? AND failures > 0`

	deleteReturned = `DELETE FROM attempts WHERE realm = ? AND kind = ? AND name = ? AND source = ? AND failures <= 0`

	deleteAttempt = `DELETE FROM attempts WHERE realm = ? AND kind = ? AND name = ? AND source = ?`

	deleteAttemptsOf = `DELETE FROM attempts WHERE realm = ? AND kind = ? AND name = ?`

	putMark = `INSERT INTO attempts (realm, kind, name, source, failures, since, until, purge_at)
		VALUES (?, ?, ?, ?, 0, 0, 0, ?)
		ON CONFLICT (realm, kind, name, source) DO UPDATE SET purge_at = excluded.purge_at`

	purgeAttempts = `DELETE FROM attempts WHERE (realm, kind, name, source) IN
		(SELECT realm, kind, name, source FROM attempts WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`
)

// TakeAttempt counts a try, unless it has to wait. Most that have to are told so
// without a write: a flood of tries must not hold up what others write.
func (s *Store) TakeAttempt(ctx context.Context, realm string, counters []store.Counter, now time.Time) (store.Taken, error) {
	asked := make([]bool, len(counters))
	var longest time.Time
	for i := range counters {
		until, spared, err := s.attemptUntil(ctx, realm, &counters[i], now)
		if err != nil {
			return store.Taken{}, verdict("look at attempts", err)
		}
		if until.After(longest) {
			longest = until
		}
		asked[i] = spared || counters[i].AskOnly
	}
	if !longest.IsZero() {
		return store.Taken{Until: longest}, nil
	}
	// It is read when the step is over, and the step has said so by its error.
	limited := new(store.Taken)
	taken, err := write(ctx, s, "count an attempt", func(q querier) (store.Taken, error) {
		taken := store.Taken{Failures: make([]int, len(counters))}
		for i := range counters {
			if asked[i] {
				continue
			}
			failures, until, err := takeOne(q, realm, &counters[i], now)
			if err != nil {
				return taken, err
			}
			if failures == 0 {
				limited.Until = until
				return taken, store.ErrConflict // takes back what was counted before
			}
			taken.Failures[i] = failures
		}
		return taken, nil
	})
	if errors.Is(err, store.ErrConflict) {
		return *limited, nil
	}
	return taken, err
}

// attemptUntil looks until when a try has to wait, and whether a mark spares it
// the counter.
func (s *Store) attemptUntil(ctx context.Context, realm string, c *store.Counter, now time.Time) (until time.Time, spared bool, err error) {
	if mark := c.Unless; mark.Kind != 0 {
		var none, expires int64
		err := s.engine.read(ctx).row(selectAttempt, realm, int64(mark.Kind), mark.Name, mark.Source).Scan(&none, &expires)
		if err == nil && expires > seconds(now) {
			return until, true, nil
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return until, false, err
		}
	}
	at, err := readUntil(s.engine.read(ctx), realm, c)
	if at > seconds(now) && at <= seconds(now.Add(c.Forget)) {
		until = moment(at)
	}
	return until, false, err
}

func readUntil(q querier, realm string, c *store.Counter) (until int64, err error) {
	var purge int64
	err = q.row(selectAttempt, realm, int64(c.Kind), c.Name, c.Source).Scan(&until, &purge)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return until, err
}

// takeOne counts a try in one counter. failures is 0 when it has to wait.
func takeOne(q querier, realm string, c *store.Counter, now time.Time) (failures int, until time.Time, err error) {
	at, longest := seconds(now), seconds(now.Add(c.Forget))
	stale := seconds(now.Add(-c.Forget))
	var since int64
	err = q.row(takeAttempt, realm, int64(c.Kind), c.Name, c.Source, at, longest, stale, stale, at, longest).Scan(&failures, &since)
	if errors.Is(err, sql.ErrNoRows) {
		stored, err := readUntil(q, realm, c)
		return 0, moment(stored), err
	}
	if err != nil {
		return 0, until, err
	}
	if !c.Window {
		since = at
	}
	until = c.Until(failures, moment(since))
	_, err = q.exec(waitAfterAttempt, since, seconds(until), realm, int64(c.Kind), c.Name, c.Source)
	return failures, until, err
}

// ReturnAttempt takes back a try that was counted.
func (s *Store) ReturnAttempt(ctx context.Context, realm string, counters []store.Counter, taken store.Taken) error {
	return change(ctx, s, "take an attempt back", func(q querier) error {
		for i := range counters {
			c := &counters[i]
			if i >= len(taken.Failures) || taken.Failures[i] == 0 {
				continue
			}
			if _, err := q.exec(returnAttempt, int64(taken.Failures[i]), number(c.Window), realm, int64(c.Kind), c.Name, c.Source); err != nil {
				return err
			}
			if _, err := q.exec(deleteReturned, realm, int64(c.Kind), c.Name, c.Source); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClearAttempts forgets failures and notes a mark.
func (s *Store) ClearAttempts(ctx context.Context, realm string, keys []store.AttemptKey, mark store.AttemptKey, expires time.Time) error {
	return change(ctx, s, "forget attempts", func(q querier) error {
		for _, key := range keys {
			if _, err := q.exec(deleteAttempt, realm, int64(key.Kind), key.Name, key.Source); err != nil {
				return err
			}
		}
		if mark.Name == "" {
			return nil
		}
		_, err := q.exec(putMark, realm, int64(mark.Kind), mark.Name, mark.Source, seconds(expires))
		return err
	})
}

// ResetAttempts forgets the failures of a name or of a source.
func (s *Store) ResetAttempts(ctx context.Context, realm string, kind store.AttemptKind, name, source string) (int, error) {
	return write(ctx, s, "reset attempts", func(q querier) (int, error) {
		if name == "" {
			removed, err := q.exec(deleteAttempt, realm, int64(kind), "", source)
			return int(removed), err
		}
		removed, err := q.exec(deleteAttemptsOf, realm, int64(kind), name)
		return int(removed), err
	})
}

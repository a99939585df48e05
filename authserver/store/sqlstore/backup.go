package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// A copy says of itself that it is one; the first to open it finds that out,
	// once.
	markBackup = `INSERT INTO meta (name, value) VALUES ('backup', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	takeBackupMark = `DELETE FROM meta WHERE name = 'backup' RETURNING value`

	// redeemCode asks for it.
	endCodes = `INSERT INTO meta (name, value) VALUES ('restored', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value < excluded.value`
)

// copier is an engine that can copy itself.
type copier interface {
	copy(ctx context.Context, now time.Time) (*store.Backup, error)
}

// Backup makes a copy of everything as it stands at one moment.
func (s *Store) Backup(ctx context.Context, now time.Time) (*store.Backup, error) {
	inner := s.engine
	if observed, ok := inner.(observedEngine); ok {
		inner = observed.engine
	}
	engine, ok := inner.(copier)
	if !ok {
		return nil, store.ErrNoBackup
	}
	backup, err := engine.copy(ctx, now)
	if errors.Is(err, store.ErrBackupRuns) {
		return nil, err
	}
	return backup, verdict("make a backup", err)
}

// Restored ends what could be used twice after the store has become an earlier
// form of itself.
func (s *Store) Restored(ctx context.Context, marked bool, spent, now time.Time) (store.Restoration, error) {
	return write(ctx, s, "see to a restored database", func(q querier) (store.Restoration, error) {
		var made int64
		err := q.row(takeBackupMark).Scan(&made)
		if errors.Is(err, sql.ErrNoRows) {
			if marked {
				return store.Restoration{}, nil
			}
			err = nil
		}
		if err != nil {
			return store.Restoration{}, err
		}
		if _, err := q.exec(endCodes, seconds(now)); err != nil {
			return store.Restoration{}, err
		}
		if _, err := q.exec(forgetSpent, seconds(spent), seconds(spent)); err != nil {
			return store.Restoration{}, err
		}
		return store.Restoration{Done: true, Made: moment(made)}, nil
	})
}

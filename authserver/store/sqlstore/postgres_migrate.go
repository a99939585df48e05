package sqlstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// migrationLock is the key of the advisory lock that migrations are run
	// under: nodes that start together wait for each other.
	migrationLock = 0x6f61757468320a // "oauth2\n"
	// migrationTimeout bounds a migration, and so the wait for another node's.
	migrationTimeout = 5 * time.Minute
)

// migrate brings the schema up to date. A migration may take longer than any
// step, but it does not make the traffic of other nodes wait behind its wait for
// a lock on a table.
func (e *postgresEngine) migrate(ctx context.Context) error {
	var version int
	err := e.read(ctx).row(selectVersion).Scan(&version)
	if err == nil && version == schemaVersion {
		return nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) && !is(err, undefinedTable) {
		return err
	}
	return e.migrating(ctx, func(q querier) error { return migrate(q, "postgres") })
}

// migrating runs step in a transaction that may take long, one node at a time.
func (e *postgresEngine) migrating(ctx context.Context, step func(querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, migrationTimeout)
	defer cancel()
	return e.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return transact(ctx, conn.Conn(), func(q querier) error {
			for _, text := range []string{
				`SET LOCAL statement_timeout = 0`,
				`SET LOCAL lock_timeout = 0`,
				`SELECT pg_advisory_xact_lock(` + strconv.Itoa(migrationLock) + `)`,
				`SET LOCAL lock_timeout = '2s'`,
			} {
				if _, err := q.exec(text); err != nil {
					return err
				}
			}
			return step(q)
		})
	})
}

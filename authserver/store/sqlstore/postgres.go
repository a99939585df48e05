package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresEngine is a pool of connections, and a bound on who waits for them.
type postgresEngine struct {
	pool     *pgxpool.Pool
	gate     *gate
	listener *listener
	timeout  time.Duration // of a step, waiting included
	once     sync.Once
}

// OpenPostgres opens a PostgreSQL database and brings its schema up to date, as
// whichever node comes first. It fails within seconds when the database does
// not answer; then it may be tried again.
func OpenPostgres(ctx context.Context, config PostgresConfig) (*Store, error) {
	engine, err := openPostgres(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the PostgreSQL database: %w", err)
	}
	if err := engine.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the PostgreSQL database: %w", err), engine.close())
	}
	return &Store{engine: engine}, nil
}

func openPostgres(ctx context.Context, config PostgresConfig) (*postgresEngine, error) {
	poolConfig, err := config.pool()
	if err != nil {
		return nil, err
	}
	// The pool outlives the call that makes it.
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), poolConfig)
	if err != nil {
		return nil, err
	}
	return &postgresEngine{
		pool:     pool,
		gate:     newGate(int(config.maxConns()), config.maxWaiting()),
		listener: listen(poolConfig.ConnConfig.Copy()),
		timeout:  config.statementTimeout() + beyondStatement,
	}, nil
}

func (e *postgresEngine) write(ctx context.Context, step func(querier) error) error {
	return e.attempt(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return transact(ctx, conn, step)
	})
}

func (e *postgresEngine) read(ctx context.Context) querier { return pgReader{ctx, e} }

func (e *postgresEngine) changed() <-chan struct{} { return e.listener.changes }

// ping asks whether steps can be written, too: a primary that was demoted would
// still answer.
func (e *postgresEngine) ping(ctx context.Context) error {
	return e.attempt(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var version int
		var readOnly string
		row := conn.QueryRow(ctx, `SELECT value, current_setting('transaction_read_only') FROM meta WHERE name = 'schema'`)
		if err := row.Scan(&version, &readOnly); err != nil {
			return err
		}
		if readOnly != "off" {
			return errReadOnly
		}
		return nil
	})
}

var errReadOnly = errors.New("the database server only reads")

func (e *postgresEngine) close() error {
	e.once.Do(func() {
		e.gate.close()
		e.listener.close()
		e.pool.Close()
	})
	return nil
}

const (
	// attempts bounds how often a step is tried that certainly had no effect.
	attempts = 3
	// afterDeadlock is how long the loser of a deadlock lets the winner go first.
	afterDeadlock = 20 * time.Millisecond
)

// attempt gives use a connection, within the time of a step. It tries again
// where the connection was stale or the database chose another transaction over
// this one: then nothing has happened yet.
func (e *postgresEngine) attempt(ctx context.Context, use func(context.Context, *pgx.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leave, err := e.gate.enter()
	if err != nil {
		return err
	}
	defer leave()
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	for n := 1; ; n++ {
		again, err := e.try(ctx, use)
		if again && n < attempts && ctx.Err() == nil {
			continue
		}
		if caller.Err() == nil { // otherwise it says nothing of the database
			e.gate.note(err)
		}
		return err
	}
}

// try runs use once. A caller may leave while it waits for a connection. After
// that it waits for the answer, which takes no longer than its deadline:
// otherwise those who leave would cost connections.
func (e *postgresEngine) try(ctx context.Context, use func(context.Context, *pgx.Conn) error) (again bool, err error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	deadline, _ := ctx.Deadline()
	running, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	err = use(running, conn.Conn())
	if err == nil || running.Err() != nil {
		return false, err
	}
	if conn.Conn().IsClosed() || errors.Is(err, errReadOnly) || is(err, readOnly, adminShutdown, crashShutdown) {
		// What broke one connection has broken those that wait in the pool.
		_ = conn.Conn().Close(running)
		e.pool.Reset()
		return !errors.Is(err, errUnknownOutcome), err
	}
	if is(err, serializationFailure, deadlockDetected) {
		pause(ctx, afterDeadlock)
		return true, err
	}
	return is(err, stalePlan, lostStatement), err
}

package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PostgresConfig says which PostgreSQL to use, and how much of it.
type PostgresConfig struct {
	// DSN is the connection string: a postgres:// URL or libpq's key=value form,
	// with passwords and TLS as libpq knows them. Of several hosts the one that
	// takes writes is used (target_session_attrs=read-write), and looked for
	// again after a failover.
	DSN string
	// MaxConns bounds the connections of this process that run statements; one
	// more listens. Default 16.
	MaxConns int32
	// StatementTimeout ends a statement at the server, and a wait for a lock
	// after three quarters of it. A step of the store, with the wait for a
	// connection, has half a second more. Default 2 s.
	StatementTimeout time.Duration
	// MaxWaiting bounds the callers that wait for a connection; one more gets an
	// error at once. While the database does not answer, nobody waits. Default
	// 1024.
	MaxWaiting int
}

const (
	defaultMaxConns         = 16
	defaultStatementTimeout = 2 * time.Second
	// beyondStatement is what a step has beyond the time of one statement.
	beyondStatement = 500 * time.Millisecond
	connectTimeout  = 1500 * time.Millisecond
	// severalConnectTimeout is that of each of several hosts, so that one that
	// does not answer leaves time for the next.
	severalConnectTimeout = time.Second
	// connLifetime renews connections, so that they follow names and balancers.
	connLifetime = 30 * time.Minute
	connJitter   = 5 * time.Minute
	pingTimeout  = time.Second
)

// Check says what is wrong with the configuration, without connecting. Its error
// holds nothing of the connection string, which may hold a password.
func (c PostgresConfig) Check() error {
	_, err := c.pool()
	return err
}

// pool is the configuration of the connections.
func (c PostgresConfig) pool() (*pgxpool.Config, error) {
	if c.MaxConns < 0 || c.MaxWaiting < 0 || c.StatementTimeout < 0 {
		return nil, errors.New("the bounds of storage postgres must not be negative")
	}
	config, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("the connection string is not valid: write postgres://user:password@host:5432/database, or host=… user=… dbname=…")
	}
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > time.Minute {
		config.ConnConfig.ConnectTimeout = connectTimeout
		if len(config.ConnConfig.Fallbacks) > 0 {
			config.ConnConfig.ConnectTimeout = severalConnectTimeout
		}
	}
	// A server that only reads is of no use, be it one of several or not.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	timeout := c.statementTimeout()
	for name, value := range map[string]string{
		"application_name":  "caddy-oauth2",
		"statement_timeout": milliseconds(timeout),
		// Longer than the second after which PostgreSQL looks for a deadlock.
		"lock_timeout": milliseconds(timeout * 3 / 4),
		// The locks of a node that died or lost its network are not kept.
		"idle_in_transaction_session_timeout": milliseconds(2 * timeout),
		"default_transaction_isolation":       "read committed",
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	config.MaxConns = c.maxConns()
	config.MaxConnLifetime, config.MaxConnLifetimeJitter = connLifetime, connJitter
	config.PingTimeout = pingTimeout
	config.BeforeConnect = func(_ context.Context, connection *pgx.ConnConfig) error {
		setUp(&connection.Config)
		return nil
	}
	return config, nil
}

func (c PostgresConfig) maxConns() int32 {
	if c.MaxConns == 0 {
		return defaultMaxConns
	}
	return c.MaxConns
}

func (c PostgresConfig) maxWaiting() int {
	if c.MaxWaiting == 0 {
		return maxWaiting
	}
	return c.MaxWaiting
}

func (c PostgresConfig) statementTimeout() time.Duration {
	if c.StatementTimeout == 0 {
		return defaultStatementTimeout
	}
	return c.StatementTimeout
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// errNoCancel answers pgx's attempt to cancel what a connection that it gives up
// still runs. The server's own time-outs end that. A commit that waits for a
// standby must not be cancelled: it would become visible without being safe.
var errNoCancel = errors.New("statements end by the server's time-outs")

// setUp prepares one connection that is about to be made.
func setUp(connection *pgconn.Config) {
	dial := connection.DialFunc
	var connected atomic.Bool
	connection.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errNoCancel
		}
		return dial(ctx, network, address)
	}
	connection.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		// Issued means committed, and committed means on disk, whatever is the
		// database's default. Stronger settings, that wait for standbys, stay.
		_, err := conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
			WHERE current_setting('synchronous_commit') = 'off'`).ReadAll()
		if err == nil {
			connected.Store(true)
		}
		return err
	}
}

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
			return migrate(q, "postgres")
		})
	})
}

func (e *postgresEngine) ping(ctx context.Context) error {
	var version int
	return e.read(ctx).row(selectVersion).Scan(&version)
}

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
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	for n := 1; ; n++ {
		again, err := e.try(ctx, use)
		if !again || n == attempts || ctx.Err() != nil {
			e.gate.note(err)
			return err
		}
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
	if conn.Conn().IsClosed() || is(err, readOnly, adminShutdown, crashShutdown) {
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

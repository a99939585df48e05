package sqlstore

import (
	"context"
	"errors"
	"net"
	"strconv"
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
	// leastConnectTimeout is that of each of many hosts. They share the time, so
	// that one that does not answer leaves some for the next.
	leastConnectTimeout = 500 * time.Millisecond
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
		config.ConnConfig.ConnectTimeout = max(connectTimeout/time.Duration(hosts(&config.ConnConfig.Config)), leastConnectTimeout)
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
		// Every statement finds its rows by an index. What the server knows of a
		// table may be old, and of a batch of deletions it guesses: it must not
		// walk a table that has grown for either.
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
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

// hosts is how many servers a connection string names.
func hosts(config *pgconn.Config) int {
	named := map[string]bool{net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))): true}
	for _, next := range config.Fallbacks {
		named[net.JoinHostPort(next.Host, strconv.Itoa(int(next.Port)))] = true
	}
	return len(named)
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

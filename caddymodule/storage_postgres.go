package caddymodule

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func init() {
	caddy.RegisterModule(new(PostgresStorage))
}

const (
	maxConnections      = 1000
	minStatementTimeout = 100 * time.Millisecond
	// maxStatementTimeout leaves a caller an answer before it gives up itself.
	maxStatementTimeout = 10 * time.Second
)

// PostgresStorage keeps everything in a PostgreSQL database, for any number of
// nodes, and needs nothing besides. All nodes need the same `encryption_key`,
// which stands beside `storage` and not in the database.
//
// The database may be away: Caddy starts and serves without it, what needs it
// answers 503, and it is used as soon as it is back.
type PostgresStorage struct {
	// DSN is the connection string: `postgres://user:password@host:5432/database`
	// or `host=… user=… password=… dbname=…`. Of several hosts,
	// `postgres://user:password@db1,db2/database`, the one that takes writes is
	// used. Write it as a placeholder (`{env.NAME}` or `{file./path}`), for it has a
	// password and Caddy's admin endpoint shows the configuration.
	DSN string `json:"dsn,omitempty"`

	// MaxConnections is how many connections this node may have open to run
	// statements; one more listens. All nodes together need fewer than the
	// `max_connections` of the server. 1 to 1000. Default: 16.
	MaxConnections int32 `json:"max_connections,omitempty"`

	// StatementTimeout bounds each statement, 100ms to 10s: what takes longer is
	// answered with 503. Default: 2s.
	StatementTimeout caddy.Duration `json:"statement_timeout,omitempty"`

	// MaxWaiting is how many requests may wait for a connection; one more is
	// answered with 503 at once. Default: 1024.
	MaxWaiting int32 `json:"max_waiting,omitempty"`

	config   sqlstore.PostgresConfig
	resource string
}

// CaddyModule returns the Caddy module information.
func (*PostgresStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "oauth2.storage.postgres", New: func() caddy.Module { return new(PostgresStorage) }}
}

// Provision checks the settings. It connects to nothing.
func (s *PostgresStorage) Provision(caddy.Context) error {
	if s.DSN == "" {
		return errors.New("dsn is missing: write `storage postgres {env.DATABASE_URL}`")
	}
	dsn, err := resolveSecret(s.DSN, caddy.NewReplacer())
	if err != nil {
		return fmt.Errorf("dsn %w", err)
	}
	dsn = strings.TrimSpace(dsn)
	name, err := sqlstore.PostgresName(dsn)
	if err != nil {
		return fmt.Errorf("dsn: %w", err)
	}
	s.config = sqlstore.PostgresConfig{
		DSN: dsn, MaxConns: s.MaxConnections, StatementTimeout: time.Duration(s.StatementTimeout), MaxWaiting: int(s.MaxWaiting),
	}
	s.resource = "postgres:" + name + "#" + digestOf(s.config)
	return errors.Join(s.checkBounds(), s.config.Check())
}

// checkBounds checks what is set; 0 is the default.
func (s *PostgresStorage) checkBounds() error {
	switch timeout := time.Duration(s.StatementTimeout); {
	case s.MaxConnections < 0 || s.MaxConnections > maxConnections:
		return fmt.Errorf("max_connections is %d; it is 1 to %d", s.MaxConnections, maxConnections)
	case timeout != 0 && (timeout < minStatementTimeout || timeout > maxStatementTimeout):
		return fmt.Errorf("statement_timeout is %s; it is %s to %s", timeout, minStatementTimeout, maxStatementTimeout)
	case s.MaxWaiting < 0:
		return fmt.Errorf("max_waiting is %d; it is a number of requests", s.MaxWaiting)
	}
	return nil
}

// digestKey makes digests that say nothing outside of this process.
var digestKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
})

// digestOf tells settings apart whose difference must not be seen, such as a new
// password: what has changed is another resource, and so takes effect.
func digestOf(config sqlstore.PostgresConfig) string {
	mac := hmac.New(sha256.New, digestKey())
	_, _ = fmt.Fprintf(mac, "%q %d %d %d", config.DSN, config.MaxConns, config.StatementTimeout, config.MaxWaiting)
	return hex.EncodeToString(mac.Sum(nil)[:4])
}

// Resource implements Storage.
func (s *PostgresStorage) Resource() string { return s.resource }

// Shared implements Storage.
func (*PostgresStorage) Shared() bool { return true }

// Open implements Storage.
func (s *PostgresStorage) Open(ctx context.Context, key *keys.Wrapper) (store.Store, *keys.Wrapper, error) {
	if key == nil {
		return nil, nil, errors.New("storage postgres needs an encryption_key")
	}
	db, err := sqlstore.OpenPostgres(ctx, s.config)
	if err != nil {
		return nil, nil, err
	}
	db.OnFault(storeFaulted)
	return db, key, nil
}

// UnmarshalCaddyfile reads the module's line. Syntax:
//
//	postgres [<dsn>] {
//		dsn               <dsn>
//		max_connections   <number>
//		statement_timeout <duration>
//		max_waiting       <number>
//	}
func (s *PostgresStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume module name
	if d.NextArg() {
		s.DSN = d.Val()
	}
	if err := noArgs(d); err != nil {
		return err
	}
	return readBlock(d, "storage postgres", map[string]reader{
		"dsn": func(d *caddyfile.Dispenser) error {
			if s.DSN != "" {
				return d.Err("dsn is there twice, on the line of the storage and in its block")
			}
			return text(&s.DSN)(d)
		},
		"max_connections":   count(&s.MaxConnections),
		"statement_timeout": span(&s.StatementTimeout),
		"max_waiting":       count(&s.MaxWaiting),
	})
}

// Interface guards
var (
	_ caddy.Module          = (*PostgresStorage)(nil)
	_ caddy.Provisioner     = (*PostgresStorage)(nil)
	_ caddyfile.Unmarshaler = (*PostgresStorage)(nil)
	_ Storage               = (*PostgresStorage)(nil)
)

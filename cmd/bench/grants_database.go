package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// engine is a kind of database. why says what is missing here to measure it.
type engine struct {
	name  string
	start func(ctx context.Context) (empty, full database, stop func(), why string, err error)
}

var engines = []engine{{"sqlite", startSQLite}, {"postgres", startPostgres}}

// chooseEngines leaves the one of a name; "" leaves all.
func chooseEngines(name string) error {
	if name == "" {
		return nil
	}
	for _, e := range engines {
		if e.name == name {
			engines = []engine{e}
			return nil
		}
	}
	return fmt.Errorf("there is no store %q; there are sqlite and postgres", name)
}

// database is one that has its schema.
type database struct {
	// storage is how a Caddyfile names it.
	storage string
	pool    func() (*sql.DB, error)
	// hex writes a number as 32 hex digits, in the SQL of the engine.
	hex string
	// hurry makes a connection write fast and give up nothing but safety.
	hurry string
	// settle makes the engine take notice of millions of new rows.
	settle string
}

func startSQLite(ctx context.Context) (empty, full database, stop func(), why string, err error) {
	dir, err := os.MkdirTemp("", "caddy-oauth2-bench-")
	if err != nil {
		return empty, full, nil, "", err
	}
	open := func(name string) (database, error) {
		path := filepath.Join(dir, name)
		db := database{
			storage: "sqlite " + path,
			pool:    func() (*sql.DB, error) { return sql.Open("sqlite", path) },
			hex:     "printf('%%032x', %s)",
			hurry:   "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000",
			settle:  "PRAGMA wal_checkpoint(TRUNCATE)",
		}
		s, err := sqlstore.OpenSQLite(ctx, path)
		if err != nil {
			return db, err
		}
		return db, errors.Join(seed(ctx, s), s.Close())
	}
	if empty, err = open("empty.db"); err == nil {
		full, err = open("full.db")
	}
	return empty, full, func() { _ = os.RemoveAll(dir) }, "", err
}

// seedID is the grant that all others are copies of.
const seedID = "ffffffffffffffffffffffffffffffff"

// seed makes one active grant, as a code exchange leaves it.
func seed(ctx context.Context, s store.Store) error {
	at := now()
	return s.CreateGrant(ctx, store.Grant{
		ID: seedID, Realm: "/", ClientID: grantClient, Type: "authorization_code",
		Account: store.Account{Service: "file", ID: "alice"}, Subject: "alice", SessionID: strings.Repeat("s", 22),
		Scope: []string{"openid", "read"}, Resources: []string{"https://api.bench"}, RedirectURI: grantRedirect,
		State: store.GrantActive, CodeHash: strings.Repeat("0", 64), Generation: 1, RefreshKey: strings.Repeat("0", 16),
		AuthTime: at, RotatedAt: at, Created: at, CodeExpires: at,
		IdleExpires: at.Add(7 * 24 * time.Hour), Expires: at.Add(30 * 24 * time.Hour), PurgeAt: at.Add(8 * 24 * time.Hour),
	}, nil)
}

// fillBatch is how many grants are made in one transaction, which bounds the log
// that the engine keeps of it.
const fillBatch = 200_000

// fill copies the seed. A tenth of the copies has expired.
func (d database) fill(ctx context.Context, count int) error {
	pool, err := d.pool()
	if err != nil {
		return err
	}
	defer pool.Close()
	columns, err := grantColumns(ctx, pool)
	if err != nil {
		return err
	}
	values := slices.Clone(columns)
	at := now().Unix()
	for i, column := range columns {
		switch column {
		case "id":
			values[i] = fmt.Sprintf(d.hex, "n")
		case "subject":
			values[i] = "'user' || (n % 1000000)"
		case "purge_at":
			values[i] = fmt.Sprintf("CASE WHEN n %% 10 = 0 THEN %d - n %% 86400 ELSE purge_at + n %% 86400 END", at)
		}
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, d.hurry); err != nil {
		return err
	}
	for first := 1; first <= count; first += fillBatch {
		last := min(first+fillBatch-1, count)
		_, err := conn.ExecContext(ctx, fmt.Sprintf(`WITH RECURSIVE series(n) AS (SELECT %d UNION ALL SELECT n + 1 FROM series WHERE n < %d)
			INSERT INTO grants (%s) SELECT %s FROM series, grants WHERE id = '%s'`,
			first, last, strings.Join(columns, ", "), strings.Join(values, ", "), seedID))
		if err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, d.settle)
	return err
}

func grantColumns(ctx context.Context, pool *sql.DB) ([]string, error) {
	rows, err := pool.QueryContext(ctx, "SELECT * FROM grants LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

// expired counts the grants that wait to be deleted.
func (d database) expired(ctx context.Context) (count int, err error) {
	pool, err := d.pool()
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	err = pool.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM grants WHERE purge_at <= %d", now().Unix())).Scan(&count)
	return count, err
}

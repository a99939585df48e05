package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// postgresDSN leads to a PostgreSQL to measure, in schemas of our own that are
// dropped at the end; "" for a cluster of our own on this machine.
var postgresDSN string

func startPostgres(ctx context.Context) (empty, full database, stop func(), why string, err error) {
	base := postgresDSN
	stop = func() {}
	if base == "" {
		cluster, err := pgtest.Start(ctx, pgtest.Options{})
		if errors.Is(err, pgtest.ErrNotInstalled) {
			return empty, full, nil, err.Error(), nil
		}
		if err != nil {
			return empty, full, nil, "", err
		}
		base, stop = cluster.DSN("postgres"), cluster.Remove
	}
	run := strings.ToLower(rand.Text()[:8])
	schemas := [2]string{"bench_" + run + "_none", "bench_" + run + "_many"}
	remove := stop
	stop = func() {
		for _, schema := range schemas {
			_ = execPostgres(context.Background(), base, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		}
		remove()
	}
	if empty, err = openSchema(ctx, base, schemas[0]); err == nil {
		full, err = openSchema(ctx, base, schemas[1])
	}
	if err != nil {
		stop()
	}
	return empty, full, stop, "", err
}

// openSchema makes a schema in a database, and our tables in it.
func openSchema(ctx context.Context, base, schema string) (database, error) {
	dsn, err := withSchema(base, schema)
	if err != nil {
		return database{}, err
	}
	db := database{
		storage: fmt.Sprintf("postgres %q", dsn),
		pool:    func() (*sql.DB, error) { return sql.Open("pgx", dsn) },
		hex:     "lpad(to_hex(%s), 32, '0')",
		hurry:   "SET synchronous_commit = off",
		settle:  "VACUUM ANALYZE grants",
	}
	if err := execPostgres(ctx, base, "CREATE SCHEMA "+schema); err != nil {
		return db, err
	}
	s, err := sqlstore.OpenPostgres(ctx, sqlstore.PostgresConfig{DSN: dsn})
	if err != nil {
		return db, err
	}
	return db, errors.Join(seed(ctx, s), s.Close())
}

// withSchema is a connection string, of either kind that libpq reads, that leads to
// a schema.
func withSchema(dsn, schema string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " search_path=" + schema, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		// Its own error quotes the string, password and all.
		return "", errors.New("the connection string of -dsn is no URL that can be read")
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

func execPostgres(ctx context.Context, dsn, statement string) error {
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, statement)
	return err
}

package main

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

func TestAGivenPostgresIsLeftAsItWas(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{})
	postgresDSN = cluster.DSN("postgres")
	t.Cleanup(func() { postgresDSN = "" })
	schemas := func() (count int) {
		pool, err := sql.Open("pgx", postgresDSN)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if err := pool.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'bench%'").Scan(&count); err != nil {
			t.Fatal(err)
		}
		return count
	}
	empty, full, stop, why, err := startPostgres(t.Context())
	if err != nil || why != "" {
		t.Fatal(why, err)
	}
	if n := schemas(); n != 2 {
		t.Errorf("%d schemas, want 2", n)
	}
	for _, db := range []database{empty, full} {
		if err := db.fill(t.Context(), 20); err != nil {
			t.Error(err)
		}
		if n, err := db.expired(t.Context()); n != 2 || err != nil {
			t.Errorf("%d have expired, want 2: %v", n, err)
		}
	}
	stop()
	if n := schemas(); n != 0 {
		t.Errorf("%d schemas are left", n)
	}
}

func TestWithSchema(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=/tmp user=a":                 "host=/tmp user=a search_path=x",
		"postgres://a:b%2Fc@h1,h2/d?k=v":   "postgres://a:b%2Fc@h1,h2/d?k=v&search_path=x",
		"postgres://h/d?search_path=other": "postgres://h/d?search_path=x",
	} {
		if got, err := withSchema(dsn, "x"); got != want || err != nil {
			t.Errorf("%s: %s, %v", dsn, got, err)
		}
	}
	if _, err := withSchema("postgres://a:%zz@h", "x"); err == nil {
		t.Error("taken")
	}
}

func TestStoresAreChosen(t *testing.T) {
	all := engines
	t.Cleanup(func() { engines, postgresDSN = all, "" })
	if err := chooseEngines("mysql"); err == nil || len(engines) != len(all) {
		t.Errorf("%v, %d stores", err, len(engines))
	}
	if err := chooseEngines("postgres"); err != nil || len(engines) != 1 || engines[0].name != "postgres" {
		t.Errorf("%v, %+v", err, engines)
	}
	engines = all
	if err := run(t.Context(), []string{"-store", "sqlite", "-dsn", "host=x"}); err == nil || !strings.Contains(err.Error(), "-dsn") {
		t.Errorf("a connection string for SQLite: %v", err)
	}
}

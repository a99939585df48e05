package pgtest_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func count(t *testing.T, dsn, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEachTestHasAnEmptyDatabase(t *testing.T) {
	for range 2 {
		dsn := pgtest.Database(t)
		if n := count(t, dsn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
			t.Fatalf("a new database has %d tables", n)
		}
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (n int)"); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// What was committed is there after a crash, and the server answers again.
func TestAKilledServerStartsAgain(t *testing.T) {
	c := pgtest.New(t, pgtest.Options{})
	dsn := c.Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.Kill()
		if err := conn.Ping(t.Context()); err == nil {
			t.Fatal("a backend outlived its server")
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, dsn, "SELECT n FROM t"); n != 7 {
			t.Fatalf("got %d", n)
		}
		if conn, err = pgx.Connect(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

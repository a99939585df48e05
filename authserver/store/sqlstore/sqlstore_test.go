package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(lockVariable); path != "" {
		playLocker(path)
		os.Exit(0)
	}
	storetest.Main(m, openName)
}

// openName opens what a test of several processes is about: a file or, when the
// name is a connection string, a database.
func openName(name string) (store.Store, error) {
	if filepath.IsAbs(name) {
		return openFile(name)
	}
	return openDSN(name)
}

func openFile(path string) (store.Store, error) {
	return sqlstore.OpenSQLite(context.Background(), path)
}

// open gives a store on a new file that lives as long as its test.
func open(t testing.TB) *sqlstore.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "oauth2.db"))
}

func openAt(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}

func TestSQLiteProcesses(t *testing.T) {
	storetest.Processes(t, filepath.Join(t.TempDir(), "oauth2.db"), openFile)
}

func TestF19_F20_SQLiteRaces(t *testing.T) {
	storetest.Races(t, filepath.Join(t.TempDir(), "oauth2.db"), openFile, 1)
}

func TestSQLiteCrash(t *testing.T) {
	storetest.Crash(t, filepath.Join(t.TempDir(), "oauth2.db"), openChecked)
}

// openChecked refuses a database that SQLite finds damaged.
func openChecked(path string) (store.Store, error) {
	s, err := openFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	var verdict string
	if err := pool.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return nil, fmt.Errorf("integrity check: %s %w", verdict, err)
	}
	return s, pool.Close()
}

func BenchmarkSQLite(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return open(b) })
}

package sqlstore_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/storetest"
)

func TestPostgresSchemaIsMadeOnceByManyAtOnce(t *testing.T) {
	config := sqlstore.PostgresConfig{DSN: pgtest.Database(t)}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			s, err := sqlstore.OpenPostgres(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if v := version(t, openPostgresAt(t, config)); v != sqlstore.SchemaVersion {
		t.Errorf("the schema has version %d, want %d", v, sqlstore.SchemaVersion)
	}
}

// F32: a migration that is cut off by the death of its connection leaves nothing,
// and the next node makes it whole.
func TestF32_PostgresMigrationIsCutOff(t *testing.T) {
	config := sqlstore.PostgresConfig{DSN: pgtest.Database(t)}
	cutMigrations(t, func(statements int) (bool, error) {
		return sqlstore.CutPostgresMigration(t.Context(), config, statements)
	})
	if err := create(t.Context(), openPostgresAt(t, config), "a"); err != nil {
		t.Error(err)
	}
}

func TestF32_SQLiteMigrationIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	cutMigrations(t, func(statements int) (bool, error) {
		return sqlstore.CutSQLiteMigration(t.Context(), path, statements)
	})
	if err := create(t.Context(), openAt(t, path), "a"); err != nil {
		t.Error(err)
	}
}

// cutMigrations cuts a migration off after each of its statements.
func cutMigrations(t *testing.T, cut func(statements int) (finished bool, err error)) {
	t.Helper()
	for statements := 0; ; statements++ {
		finished, err := cut(statements)
		if err != nil {
			t.Fatalf("after %d statements: %v", statements, err)
		}
		if finished {
			t.Logf("cut off after each of %d statements", statements)
			return
		}
	}
}

// newer makes of a database what a program of the next version would.
var newer = []string{
	"ALTER TABLE grants ADD COLUMN added TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE sessions ADD COLUMN added BIGINT NOT NULL DEFAULT 0",
	"CREATE TABLE added (id TEXT NOT NULL PRIMARY KEY)",
	"UPDATE meta SET value = value + 1 WHERE name = 'schema'",
}

// F32: nodes of this version work on beside those of the next one, whose migration
// runs under them, and start again.
func TestF32_PostgresNodesOfTwoVersions(t *testing.T) {
	cluster := pgtest.Shared(t)
	dsn := cluster.Database(t)
	running := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: 1})
	for _, id := range []string{"before", "after"} {
		// Its connection has prepared what the migration is about to change.
		if err := create(t.Context(), running, id); err != nil {
			t.Fatal(err)
		}
		if _, err := running.Grant(t.Context(), "/", id); err != nil {
			t.Fatal(err)
		}
		if id == "before" {
			if err := cluster.Exec(t.Context(), databaseOf(dsn), newer...); err != nil {
				t.Fatal(err)
			}
		}
	}
	storetest.Processes(t, dsn, openDSN)
	if v := version(t, running); v != sqlstore.SchemaVersion+1 {
		t.Errorf("the schema has version %d now, want %d as the newer program left it", v, sqlstore.SchemaVersion+1)
	}
}

func databaseOf(dsn string) string {
	_, database, _ := strings.Cut(dsn, "dbname=")
	return database
}

// F32: what a migration changes under a running node costs it no fault, a change
// of a type included, though such is never additive.
func TestF32_PostgresPlansThatAreNoMoreGood(t *testing.T) {
	cluster := pgtest.Shared(t)
	dsn := cluster.Database(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: 1})
	for range 2 {
		if err := create(t.Context(), s, "a"+t.Name()); err != nil && !errors.Is(err, store.ErrExists) {
			t.Fatal(err)
		}
		if _, err := s.Grant(t.Context(), "/", "a"+t.Name()); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Exec(t.Context(), databaseOf(dsn), "ALTER TABLE grants ALTER COLUMN acr TYPE VARCHAR"); err != nil {
			t.Fatal(err)
		}
	}
}

package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver of database/sql, to look from outside

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func version(t *testing.T, s *sqlstore.Store) (version int64) {
	t.Helper()
	err := s.Write(t.Context(), func(exec runner) (err error) {
		version, err = exec("SELECT value FROM meta WHERE name = 'schema'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestSchemaIsMadeFromNothingAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "directory", "oauth2.db")
	for range 2 {
		s := openAt(t, path)
		if v := version(t, s); v != sqlstore.SchemaVersion {
			t.Errorf("the schema has version %d, want %d", v, sqlstore.SchemaVersion)
		}
		if value, err := s.Remember(t.Context(), "name", "value"); value != "value" || err != nil {
			t.Errorf("got %q, %v", value, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A database of the first version keeps what it holds and learns what is new.
func TestSchemaOfAnOlderProgramIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	first, err := os.ReadFile(filepath.Join("schema", "1.sql"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.ExecContext(t.Context(), `CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);`+
		string(first)+`INSERT INTO meta VALUES ('schema', 1); INSERT INTO remembered VALUES ('name', 'kept');`)
	if err := errors.Join(err, old.Close()); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if v := version(t, s); v != sqlstore.SchemaVersion {
		t.Errorf("the schema has version %d, want %d", v, sqlstore.SchemaVersion)
	}
	if value, err := s.Remember(t.Context(), "name", "new"); value != "kept" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
	if err := s.PutDenial(t.Context(), store.Denial{Kind: store.DenyToken, Value: "jti"}); err != nil {
		t.Error(err)
	}
	for _, want := range []error{nil, store.ErrExists} {
		if err := s.Spend(t.Context(), "id", time.Unix(1_900_000_000, 0)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestSchemaIsMadeOnceByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := sqlstore.OpenSQLite(t.Context(), path)
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
}

// A newer program says since which version of the schema programs can work with
// its own: nodes that a rolling upgrade has not reached, and rollbacks.
func TestSchemaOfANewerProgram(t *testing.T) {
	oldest := func(version int) string {
		return fmt.Sprintf("UPDATE meta SET value = %d WHERE name = 'schema_oldest' RETURNING value", version)
	}
	for name, test := range map[string]struct {
		oldest string
		opens  bool
	}{
		"for this one too":  {oldest(sqlstore.SchemaVersion), true},
		"not for this one":  {oldest(sqlstore.SchemaVersion + 1), false},
		"that says nothing": {"DELETE FROM meta WHERE name = 'schema_oldest' RETURNING value", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "oauth2.db")
			s := openAt(t, path)
			err := s.Write(t.Context(), func(exec runner) error {
				_, err := exec("UPDATE meta SET value = 99 WHERE name = 'schema' RETURNING value")
				if err == nil {
					_, err = exec(test.oldest)
				}
				return err
			})
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			s, err = sqlstore.OpenSQLite(context.Background(), path)
			if test.opens {
				if err != nil {
					t.Fatal(err)
				}
				if v := version(t, s); v != 99 {
					t.Errorf("the schema has version %d now, want 99 as before", v)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("a schema that this program does not know was opened")
			}
			for _, want := range []string{path, "version 99", "restore a backup"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

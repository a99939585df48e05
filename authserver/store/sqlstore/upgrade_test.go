package sqlstore_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// A database of the first release is brought up to date with all that is in it.
func TestSchemaOfAnOlderProgramIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	first, err := os.ReadFile("schema/1.sql")
	if err != nil {
		t.Fatal(err)
	}
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)", string(first),
		"INSERT INTO meta (name, value) VALUES ('schema', 1)", "INSERT INTO remembered (name, value) VALUES ('name', 'value')",
	} {
		if _, err := old.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if value, err := s.Remember(t.Context(), "name", "other"); value != "value" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
	for _, want := range []error{nil, store.ErrExists} {
		if err := s.Spend(t.Context(), "id", time.Unix(1_900_000_000, 0)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

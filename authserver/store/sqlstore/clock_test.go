package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// PostgreSQL has a clock, which is this machine's here; SQLite has none.
func TestTheClockIsTheDatabaseServers(t *testing.T) {
	shared, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{DSN: pgtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shared.Close() }()
	before := time.Now().Truncate(time.Microsecond)
	told, err := shared.Clock(t.Context())
	if err != nil || told.Before(before) || told.After(time.Now()) {
		t.Errorf("it is %v, %v, after %v", told, err, before)
	}
	embedded, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = embedded.Close() }()
	if told, err := embedded.Clock(t.Context()); err != nil || !told.IsZero() {
		t.Errorf("it is %v, %v", told, err)
	}
}

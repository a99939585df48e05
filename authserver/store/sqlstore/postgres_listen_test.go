package sqlstore_test

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/storetest"
)

func TestPostgresTellsOtherNodes(t *testing.T) {
	config := sqlstore.PostgresConfig{DSN: pgtest.Database(t)}
	storetest.Changed(t, openPostgresAt(t, config), openPostgresAt(t, config))
}

// A listener whose connection is ended is there again soon, and has its readers
// look at what it may have missed.
func TestPostgresListensAgain(t *testing.T) {
	config := sqlstore.PostgresConfig{DSN: pgtest.Database(t)}
	here, there := openPostgresAt(t, config), openPostgresAt(t, config)
	<-here.Changed()
	n, err := there.Reader(t.Context(), `SELECT string_agg(pg_terminate_backend(pid)::text, ' ')
		FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`)
	if err != nil || n == "" {
		t.Fatal(n, err)
	}
	select {
	case <-here.Changed():
	case <-time.After(10 * time.Second):
		t.Fatal("the listener did not come back")
	}
	storetest.Changed(t, here, there)
}

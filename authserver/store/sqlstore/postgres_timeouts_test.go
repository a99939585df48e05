package sqlstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// It is the server that ends what takes too long: a caller that only gave up would
// leave the statement, and its locks, behind.
func TestF9_PostgresEndsWhatTakesTooLong(t *testing.T) {
	const timeout = 2 * time.Second
	dsn := pgtest.Shared(t).Schema(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, StatementTimeout: timeout})
	locked := another(t, dsn, "LOCK TABLE grants")
	for name, c := range map[string]struct {
		step func(ctx context.Context) error
		want string // SQLSTATE
	}{
		"a statement": {func(ctx context.Context) error {
			_, err := s.Reader(ctx, "SELECT 'slept' FROM pg_sleep(30)")
			return err
		}, "57014"}, // query_canceled
		"a wait for a lock": {func(ctx context.Context) error {
			_, err := s.Reader(ctx, "SELECT 'read' FROM grants")
			return err
		}, "55P03"}, // lock_not_available
	} {
		err := c.step(t.Context())
		var state interface{ SQLState() string }
		if !errors.As(err, &state) || state.SQLState() != c.want || sqlstore.FaultKind(err) != sqlstore.FaultTimeout {
			t.Errorf("%s: %v, want the server to end it with %s", name, err, c.want)
		}
	}
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

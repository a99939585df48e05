package sqlstore_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// another is a transaction of another node that a test steps through.
func another(t *testing.T, dsn string, statements ...string) pgx.Tx {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := tx.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

// waitsForLock returns when a step in the database waits for another transaction.
func waitsForLock(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	for {
		n, err := s.Reader(t.Context(), `SELECT COUNT(*)::text FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		if err != nil {
			t.Fatal(err)
		}
		if n != "0" {
			return
		}
	}
}

// A proof that is used while its first use is being forgotten is not taken for
// a new one: what the deletion says of itself is read after it has ended.
func TestG77_PostgresForgetsAndRefusesInOneStep(t *testing.T) {
	dsn := pgtest.Shared(t).Schema(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn})
	end := time.Unix(1_900_000_000, 0)
	if err := s.Spend(t.Context(), "jti", end); err != nil {
		t.Fatal(err)
	}
	tx := another(t, dsn, "DELETE FROM spent", "UPDATE meta SET value = 1900000000 WHERE name = 'spent'")
	used := make(chan error)
	go func() { used <- s.Spend(t.Context(), "jti", end) }()
	waitsForLock(t, s)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-used; !errors.Is(err, store.ErrExists) {
		t.Fatalf("the second use of a proof got %v, want ErrExists", err)
	}
}

// Of two transactions that wait for each other PostgreSQL ends one. That is
// tried again, for nothing of it has happened.
func TestPostgresTriesAgainAfterADeadlock(t *testing.T) {
	s := openPostgres(t)
	ids := []string{"a", "b"}
	for _, id := range ids {
		if err := create(t.Context(), s, id); err != nil {
			t.Fatal(err)
		}
	}
	var both sync.WaitGroup
	both.Add(len(ids))
	errs := make(chan error)
	for n := range ids {
		go func() {
			first := true
			errs <- s.Write(t.Context(), func(exec runner) error {
				if _, err := exec("UPDATE grants SET state = state WHERE id = '" + ids[n] + "' RETURNING state"); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				_, err := exec("UPDATE grants SET state = state + 1 WHERE id = '" + ids[1-n] + "' RETURNING state")
				return err
			})
		}()
	}
	for range ids {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		if grant, err := s.Grant(t.Context(), "/", id); err != nil || grant.State != store.GrantActive+1 {
			t.Errorf("grant %s has state %v (%v)", id, grant.State, err)
		}
	}
}

// A step that says nothing of a statement that failed is a fault: PostgreSQL
// takes such a transaction back when it is to be committed.
func TestPostgresAHiddenFaultIsNotCommitted(t *testing.T) {
	s := openPostgres(t)
	err := s.Write(t.Context(), func(exec runner) error {
		if _, err := exec("INSERT INTO remembered (name, value) VALUES ('a', 'b') RETURNING 1"); err != nil {
			return err
		}
		_, _ = exec("SELECT 1 / 0")
		return nil
	})
	if err == nil {
		t.Error("a transaction that was taken back counts as committed")
	}
}

// The statements decide by their row counts, which only READ COMMITTED gives to
// the one that waited: whatever the database's default is, ours is that.
func TestPostgresReadsWhatIsCommitted(t *testing.T) {
	dsn := pgtest.Database(t)
	err := pgtest.Shared(t).Exec(t.Context(), "postgres", "ALTER DATABASE "+databaseOf(dsn)+" SET default_transaction_isolation = 'repeatable read'")
	if err != nil {
		t.Fatal(err)
	}
	got, err := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn}).Reader(t.Context(), "SELECT current_setting('transaction_isolation')")
	if err != nil || got != "read committed" {
		t.Errorf("a step runs at %q (%v), want read committed", got, err)
	}
}

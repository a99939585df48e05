package sqlstore_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// A commit whose answer is lost is a fault, whatever became of it. Trying again
// finds what it has left.
func TestF1_ALostAnswerToACommit(t *testing.T) {
	relay, dsn := startRelay(t, pgtest.Shared(t).Schema(t))
	relay.argument = "the-rotated"
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn})
	relay.loseCommits.Store(1)
	err := create(t.Context(), s, "a")
	if err == nil || errors.Is(err, store.ErrExists) {
		t.Fatalf("got %v, want a fault", err)
	}
	if relay.loseCommits.Load() != 0 {
		t.Fatal("no commit was lost")
	}
	if err := create(t.Context(), s, "a"); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same step again: got %v, want ErrExists, for the first was committed", err)
	}
	// The retry of a rotation gets the same successor.
	grant := grant(relay.argument)
	grant.Generation = 1
	if err := s.CreateGrant(t.Context(), grant, nil); err != nil {
		t.Fatal(err)
	}
	use := store.Rotation{
		Realm: grant.Realm, GrantID: grant.ID, ClientID: grant.ClientID, Generation: 1,
		Grace: 10 * time.Second, PurgeAt: grant.PurgeAt, Now: time.Unix(1_800_000_000, 0),
	}
	relay.loseCommits.Store(1)
	if _, err := s.RotateRefresh(t.Context(), use); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want a fault", err)
	}
	if relay.loseCommits.Load() != 0 {
		t.Fatal("no rotation was lost")
	}
	if generation, err := s.RotateRefresh(t.Context(), use); err != nil || generation != 2 {
		t.Errorf("the retry got generation %d (%v), want 2", generation, err)
	}
}

// A pooler that has lost the database in a commit says so with an error of its
// own. The commit may have happened all the same: a step that is tried again
// without being asked to would take its own code for a replay, and end the family.
func TestF1_ACommitThatAPoolerKnowsNothingOf(t *testing.T) {
	relay, dsn := startRelay(t, pgtest.Shared(t).Schema(t))
	var err error
	crashed := pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08P01", Message: "server conn crashed?"}
	if relay.lastWords, err = crashed.Encode(nil); err != nil {
		t.Fatal(err)
	}
	relay.argument = "the-code"
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn})
	code := grant(relay.argument)
	code.State, code.CodeHash, code.CodeExpires = store.GrantPending, "hash", time.Unix(1_800_000_100, 0)
	if err := s.CreateGrant(t.Context(), code, nil); err != nil {
		t.Fatal(err)
	}
	relay.loseCommits.Store(1)
	err = s.RedeemCode(t.Context(), store.Redemption{
		Realm: code.Realm, GrantID: code.ID, ClientID: code.ClientID, CodeHash: "hash",
		PurgeAt: code.PurgeAt, Now: time.Unix(1_800_000_000, 0),
	})
	if err == nil || errors.Is(err, store.ErrReplayed) || errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want a fault", err)
	}
	if relay.loseCommits.Load() != 0 {
		t.Fatal("no commit was lost")
	}
	if is, err := s.Grant(t.Context(), code.Realm, code.ID); err != nil || is.State != store.GrantActive {
		t.Errorf("the family has state %d (%v), want %d", is.State, err, store.GrantActive)
	}
}

// F9: what the interface refuses is an answer: an operator who is told that another
// was faster does not have the pool turn callers away.
func TestF9_ARefusalIsNoSignOfASickDatabase(t *testing.T) {
	for _, err := range []error{nil, store.ErrNotFound, store.ErrExists, store.ErrConflict} {
		if !sqlstore.Answered(err) {
			t.Errorf("%v", err)
		}
	}
	for _, err := range []error{io.EOF, context.DeadlineExceeded} {
		if sqlstore.Answered(err) {
			t.Errorf("%v", err)
		}
	}
}

// Issued means committed, whatever is the database's default.
func TestPostgresCommitsAreOnDisk(t *testing.T) {
	dsn := pgtest.Database(t)
	for set, want := range map[string]string{"off": "on", "on": "on", "remote_apply": "remote_apply"} {
		err := pgtest.Shared(t).Exec(t.Context(), "postgres", "ALTER DATABASE "+databaseOf(dsn)+" SET synchronous_commit = "+set)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn}).Reader(t.Context(), "SELECT current_setting('synchronous_commit')")
		if err != nil || got != want {
			t.Errorf("with %s it is %s (%v), want %s", set, got, err, want)
		}
	}
}

// F8: a commit that waits for its standby is a fault in time, and nobody sees it
// before it is safe: giving it up must not cancel the wait.
func TestF8_ACommitThatNoStandbyConfirms(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{NoSync: true})
	config := sqlstore.PostgresConfig{DSN: cluster.Database(t)}
	s := openPostgresAt(t, config)
	unconfirmed := "a"
	for _, names := range []string{"standby", ""} {
		err := cluster.Exec(t.Context(), "postgres", "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		if err == nil {
			err = cluster.Exec(t.Context(), "postgres", "SELECT pg_reload_conf()")
		}
		if err != nil {
			t.Fatal(err)
		}
		if names == "" {
			break
		}
		// A process of the server's own makes the setting count, a moment later.
		begun := time.Now()
		for ; ; unconfirmed += "a" {
			began := time.Now()
			if err := create(t.Context(), s, unconfirmed); err != nil {
				if took := time.Since(began); took > longest {
					t.Errorf("a commit that no standby has: %v after %v", err, took)
				}
				break
			}
			if time.Since(begun) > 10*time.Second {
				t.Fatal("commits that no standby has succeed")
			}
		}
		<-time.After(300 * time.Millisecond) // for a cancellation to arrive
		if _, err := s.Grant(t.Context(), "/", unconfirmed); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it is seen: %v", err)
		}
	}
	wantRecovery(t, s, 2*time.Second)
	// The server's process that waited has to wake up first, later than we may.
	for woken := time.Now(); ; {
		_, err := s.Grant(t.Context(), "/", unconfirmed)
		if err == nil {
			break
		}
		if time.Since(woken) > 10*time.Second {
			t.Fatalf("once it is safe it is there: %v", err)
		}
	}
}

package sqlstore_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

const (
	// longest is how long a caller may wait for a fault.
	longest = 3 * time.Second
	// stormy is how long a fault lasts in these tests, and callers how many ask
	// the store in a loop meanwhile.
	stormy  = 4 * time.Second
	callers = 100
	conns   = 8
)

// weather is what callers saw of a store.
type weather struct {
	mu      sync.Mutex
	waits   []time.Duration // for a fault
	answers int
	beyond  []int // goroutines beyond the callers and those that were there
}

func (w *weather) worst() time.Duration {
	if len(w.waits) == 0 {
		return 0
	}
	return slices.Max(w.waits)
}

// storm has callers use a store in a loop for a while.
func storm(t *testing.T, s *sqlstore.Store, while time.Duration) *weather {
	t.Helper()
	w := &weather{}
	before := runtime.NumGoroutine()
	ctx, stop := context.WithTimeout(t.Context(), while)
	defer stop()
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				begun := time.Now()
				_, err := s.RotateRefresh(t.Context(), store.Rotation{Realm: "/", GrantID: strconv.Itoa(n), ClientID: "web", Generation: 1, Grace: time.Hour})
				w.mu.Lock()
				if errors.Is(err, store.ErrNotFound) {
					w.answers++
				} else {
					w.waits = append(w.waits, time.Since(begun))
				}
				w.mu.Unlock()
				if err != nil {
					<-time.After(10 * time.Millisecond)
				}
			}
		})
	}
	for tick := time.NewTicker(10 * time.Millisecond); ctx.Err() == nil; <-tick.C {
		w.beyond = append(w.beyond, runtime.NumGoroutine()-before-callers)
	}
	all.Wait()
	slices.Sort(w.beyond)
	return w
}

// wantBounded sees that callers had their faults in time, and that these did not
// pile up. wantRecovery sees that all is well again soon.
func wantBounded(t *testing.T, w *weather) {
	t.Helper()
	// Timers that end at once are a goroutine each for a moment; those that pile up
	// are there most of the time.
	most := w.beyond[len(w.beyond)/2]
	t.Logf("%d faults, the latest after %v; %d answers; %d goroutines more", len(w.waits), w.worst(), w.answers, most)
	if len(w.waits) == 0 || w.worst() > longest {
		t.Fatalf("%d faults, the latest after %v: want some, within %v", len(w.waits), w.worst(), longest)
	}
	slices.Sort(w.waits)
	if usual := w.waits[len(w.waits)/2]; usual > 200*time.Millisecond {
		t.Errorf("a fault comes after %v, want most at once", usual)
	}
	if most > 4*conns {
		t.Errorf("%d goroutines more than before, want at most %d", most, 4*conns)
	}
}

func wantRecovery(t *testing.T, s *sqlstore.Store, within time.Duration) {
	t.Helper()
	begun := time.Now()
	for {
		err := create(t.Context(), s, "recovered "+strconv.FormatInt(time.Now().UnixNano(), 10))
		if err == nil {
			break
		}
		if time.Since(begun) > within {
			t.Fatalf("no recovery within %v: %v", within, err)
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Logf("recovered after %v", time.Since(begun))
}

func TestF9_ALockedTable(t *testing.T) {
	dsn := pgtest.Shared(t).Schema(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: conns})
	storm(t, s, 200*time.Millisecond)
	tx := another(t, dsn, "LOCK TABLE grants")
	wantBounded(t, storm(t, s, stormy))
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRecovery(t, s, 2*time.Second)
}

func TestF9_ASlowDatabase(t *testing.T) {
	relay, dsn := startRelay(t, pgtest.Shared(t).Schema(t))
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: conns})
	storm(t, s, 200*time.Millisecond)
	relay.delay.Store(int64(5 * time.Second))
	wantBounded(t, storm(t, s, stormy))
	relay.delay.Store(0)
	wantRecovery(t, s, 2*time.Second)
}

func TestF7_AKilledDatabase(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{NoSync: true})
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: cluster.Database(t), MaxConns: conns})
	for range 2 {
		storm(t, s, 200*time.Millisecond)
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			<-time.After(200 * time.Millisecond)
			cluster.Kill()
		}()
		wantBounded(t, storm(t, s, time.Second))
		<-killed
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a store whose database is gone says that it answers")
		}
		if err := cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantRecovery(t, s, 5*time.Second)
	}
}

func TestF6_ADatabaseThatIsNotThereYet(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{NoSync: true})
	dsn := cluster.Database(t)
	cluster.Kill()
	begun := time.Now()
	if _, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{DSN: dsn}); err == nil || time.Since(begun) > longest {
		t.Errorf("opening a database that is gone: %v after %v", err, time.Since(begun))
	}
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRecovery(t, openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn}), time.Second)
}

// A caller that leaves costs no connection: its step ends as it would have.
func TestCallersThatLeaveCostNoConnections(t *testing.T) {
	relay, dsn := startRelay(t, pgtest.Shared(t).Schema(t))
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: 1})
	backend := func() string {
		pid, err := s.Reader(t.Context(), "SELECT pg_backend_pid()::text")
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := backend()
	relay.delay.Store(int64(50 * time.Millisecond))
	for n := range 5 {
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, leave)
		if err := create(ctx, s, strconv.Itoa(n)); err != nil {
			t.Error(err)
		}
	}
	if after := backend(); after != before {
		t.Error("the connection was given up")
	}
}

// Callers beyond the bound get an error at once.
func TestWaitingCallersAreBounded(t *testing.T) {
	dsn := pgtest.Shared(t).Schema(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: 1, MaxWaiting: 1})
	tx := another(t, dsn, "LOCK TABLE grants")
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- create(t.Context(), s, "a") }()
	}
	waitsForLock(t, openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn}))
	for begun := time.Now(); ; {
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := s.Ping(ctx)
		leave()
		if errors.Is(err, sqlstore.ErrTooMany) {
			break
		}
		if time.Since(begun) > time.Second {
			t.Fatalf("the third caller got %v", err)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; err != nil && !errors.Is(err, store.ErrExists) {
		t.Error(err)
	}
}

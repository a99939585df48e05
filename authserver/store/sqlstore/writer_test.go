package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

type runner = func(text string) (int64, error)

// hold keeps the writer busy until the result is called: what is written
// meanwhile waits, and then shares one transaction.
func hold(t *testing.T, s *sqlstore.Store) (release func()) {
	t.Helper()
	held := make(chan struct{})
	go func() {
		err := s.Write(t.Context(), func(runner) error {
			<-held
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	return func() {
		synctest.Wait() // until all others wait
		close(held)
		synctest.Wait()
	}
}

func grant(id string) store.Grant {
	return store.Grant{
		ID: id, Realm: "/", ClientID: "web", State: store.GrantActive,
		PurgeAt: time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC),
	}
}

func create(ctx context.Context, s *sqlstore.Store, id string) error {
	return s.CreateGrant(ctx, grant(id), nil)
}

// wantGrants sees which of the ids 0 to n-1 are there.
func wantGrants(t *testing.T, s *sqlstore.Store, n int, there func(id int) bool) {
	t.Helper()
	for id := range n {
		_, err := s.Grant(t.Context(), "/", strconv.Itoa(id))
		if found := err == nil; found != there(id) || err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("grant %d: found %t (%v), want %t", id, found, err, there(id))
		}
	}
}

func TestWritesThatWaitShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		before := s.Commits()
		release := hold(t, s)
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
					t.Error(err)
				}
			})
		}
		release()
		all.Wait()
		if commits := s.Commits() - before; commits != 2 {
			t.Errorf("100 writes behind another took %d commits with it, want 2", commits)
		}
		wantGrants(t, s, 100, func(int) bool { return true })
	})
}

func TestBatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		before := s.Commits()
		release := hold(t, s)
		// More than the queue takes: the last wait to wait.
		const writes = 1024 + 100
		var all sync.WaitGroup
		for n := range writes {
			all.Go(func() {
				if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
					t.Error(err)
				}
			})
		}
		release()
		all.Wait()
		if commits := s.Commits() - before; commits < 1+writes/256 || commits > 20 {
			t.Errorf("%d writes took %d commits, want batches of at most 256", writes, commits)
		}
	})
}

func TestFailedStepLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		if err := create(t.Context(), s, "0"); err != nil {
			t.Fatal(err)
		}
		before := s.Commits()
		release := hold(t, s)
		var all sync.WaitGroup
		expect := func(want error, step func() error) {
			all.Go(func() {
				if err := step(); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
		fault := errors.New("fault")
		for n := range 10 {
			id := strconv.Itoa(n)
			want := error(nil)
			if n == 0 {
				want = store.ErrExists
			}
			expect(want, func() error { return create(t.Context(), s, id) })
			// What a failed step wrote before it failed is taken back.
			expect(fault, func() error {
				return s.Write(t.Context(), func(exec runner) error {
					if _, err := exec("DELETE FROM grants RETURNING 1"); err != nil {
						return err
					}
					return fault
				})
			})
		}
		release()
		all.Wait()
		if commits := s.Commits() - before; commits != 2 {
			t.Errorf("%d commits, want 2", commits)
		}
		wantGrants(t, s, 10, func(int) bool { return true })
	})
}

func TestCallerThatLeavesHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		release := hold(t, s)
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for n := range 10 {
			ctx, want := t.Context(), error(nil)
			if n%2 == 0 {
				ctx, want = leaving, context.Canceled
			}
			all.Go(func() {
				if err := create(ctx, s, strconv.Itoa(n)); !errors.Is(err, want) {
					t.Errorf("grant %d: got %v, want %v", n, err, want)
				}
			})
		}
		synctest.Wait()
		leave()
		release()
		all.Wait()
		// A step whose caller left before it ran is not run.
		wantGrants(t, s, 10, func(id int) bool { return id%2 == 1 })
	})
}

func TestStepMayBeCommittedAfterItsCallerLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		leaving, leave := context.WithCancel(t.Context())
		running, left := make(chan struct{}), make(chan struct{})
		go func() {
			<-running
			leave()
			synctest.Wait()
			close(left)
		}()
		err := s.Write(leaving, func(exec runner) error {
			close(running)
			<-left
			_, err := exec("INSERT INTO remembered (name, value) VALUES ('late', 'kept') RETURNING 1")
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want the context's error", err)
		}
		if value, err := s.Remember(t.Context(), "late", "lost"); value != "kept" {
			t.Errorf("got %q (%v), want what the step stored", value, err)
		}
	})
}

// After a failed commit nobody knows what is on disk, so nobody is told that
// something is.
func TestFailedCommitEndsAllWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	fault := errors.New("input/output error")
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path)
		if err := create(t.Context(), s, "0"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				if err := create(t.Context(), s, strconv.Itoa(1+n)); !errors.Is(err, fault) {
					t.Errorf("grant %d: got %v, want the fault of the commit", 1+n, err)
				}
			})
		}
		all.Go(func() {
			if err := s.FailCommits(t.Context(), fault); !errors.Is(err, fault) {
				t.Errorf("got %v, want the fault", err)
			}
		})
		release()
		all.Wait()

		for _, err := range []error{create(t.Context(), s, "11"), s.Ping(t.Context())} {
			if !errors.Is(err, fault) || !strings.Contains(err.Error(), "restart") {
				t.Errorf("got %v, want the fault, and how to mend it", err)
			}
		}
		// What was committed can still be read, and nothing else.
		wantGrants(t, s, 12, func(id int) bool { return id == 0 })
	})
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path)
		if err := errors.Join(s.Ping(t.Context()), create(t.Context(), s, "11")); err != nil {
			t.Errorf("after opening it again: %v", err)
		}
	})
}

func TestFullDatabaseRecovers(t *testing.T) {
	s := open(t)
	limit := func(pages int64) {
		t.Helper()
		err := s.Write(t.Context(), func(exec runner) error {
			_, err := exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(60)
	created := 0
	var full error
	for full == nil {
		if full = create(t.Context(), s, strconv.Itoa(created)); full == nil {
			created++
		}
	}
	if errors.Is(full, store.ErrNotFound) || errors.Is(full, store.ErrExists) || created == 0 {
		t.Fatalf("after %d grants: %v, want a fault", created, full)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("a full database cannot be read: %v", err)
	}
	wantGrants(t, s, created+1, func(id int) bool { return id < created })

	limit(1000)
	for n := range 100 {
		if err := create(t.Context(), s, strconv.Itoa(created+n)); err != nil {
			t.Fatalf("with space again: %v", err)
		}
	}
}

func TestCloseFinishesWhatWasAccepted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path)
		release := hold(t, s)
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := create(t.Context(), s, "late"); err == nil {
			t.Error("a closing store accepted a write")
		}
		release()
		all.Wait()
	})
	s := openAt(t, path)
	wantGrants(t, s, 20, func(int) bool { return true })
}

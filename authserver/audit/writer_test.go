package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// shelf is a store that can fail, hang, and remembers when it was given what.
type shelf struct {
	mu      sync.Mutex
	fault   error
	hanging chan struct{} // hangs until it is closed
	batches [][]audit.Entry
	ids     map[string]bool
}

func (s *shelf) AppendAudit(ctx context.Context, entries []audit.Entry) error {
	s.mu.Lock()
	hanging := s.hanging
	s.mu.Unlock()
	if hanging != nil {
		select {
		case <-hanging:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return s.fault
	}
	for _, entry := range entries {
		if s.ids == nil {
			s.ids = map[string]bool{}
		}
		s.ids[entry.ID] = true
	}
	s.batches = append(s.batches, entries)
	return nil
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// kept counts the records on the shelf and those that tell of lost ones.
func (s *shelf) kept() (records, batches int, lost string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, batch := range s.batches {
		for _, entry := range batch {
			if entry.Event == audit.RecordsLost {
				lost += entry.Details.Get(audit.Count) + " "
			}
		}
	}
	return len(s.ids), len(s.batches), strings.TrimSpace(lost)
}

// bench is a Writer at work, in a bubble of its own time.
type bench struct {
	*audit.Writer
	*shelf
	logged bytes.Buffer
	end    func()
}

func write(t *testing.T, do func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{shelf: &shelf{}}
		b.Writer = audit.NewWriter(b.shelf, slog.New(slog.NewTextHandler(&b.logged, nil)), time.Now, "node-1")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(ctx)
		}()
		b.end = func() {
			stop()
			<-done
		}
		defer b.end()
		do(b)
	})
}

// add adds so many records and counts those that had room.
func (b *bench) add(n int) (taken int) {
	for range n {
		if b.Add(audit.Record{Time: time.Now(), Event: audit.SignIn}, time.Hour) {
			taken++
		}
	}
	return taken
}

// pass lets time go by, and then whatever is due at its end come to rest: the
// next step of a test never meets a write halfway.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestF17_RecordsAreWrittenWithinASecondAndInBatches(t *testing.T) {
	write(t, func(b *bench) {
		b.add(10)
		pass(time.Second)
		if records, batches, _ := b.kept(); records != 10 || batches != 1 {
			t.Errorf("%d records in %d batches", records, batches)
		}
		if !slices.IsSortedFunc(b.batches[0], func(a, b audit.Entry) int { return strings.Compare(a.ID, b.ID) }) {
			t.Error("the order is lost within a millisecond")
		}
		if entry := b.batches[0][0]; len(entry.ID) != 32 || !entry.Expires.Equal(entry.Time.Add(time.Hour)) {
			t.Errorf("kept %+v", entry)
		}
		b.add(600) // a full batch does not wait
		synctest.Wait()
		if records, batches, _ := b.kept(); records != 10+512 || batches != 3 {
			t.Errorf("%d records in %d batches", records, batches)
		}
	})
}

func TestF17_TheEndLosesNothing(t *testing.T) {
	write(t, func(b *bench) {
		b.add(5000)
		b.end()
		if records, _, _ := b.kept(); records != 5000 || b.Waiting() != 0 {
			t.Errorf("%d records are kept, %d wait", records, b.Waiting())
		}
		if b.add(1) != 0 {
			t.Error("a record is taken after the end")
		}
	})
}

func TestTheEndIsBounded(t *testing.T) {
	write(t, func(b *bench) {
		b.hanging = make(chan struct{})
		b.add(1000)
		before := time.Now()
		b.end()
		if took := time.Since(before); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		if !strings.Contains(b.logged.String(), "count=1000") {
			t.Errorf("logged %s", b.logged.String())
		}
	})
}

// A store that is away for a while costs nobody anything, and is noticed once.
func TestAFailingStoreIsTriedAgain(t *testing.T) {
	write(t, func(b *bench) {
		b.fail(errors.New("database is gone"))
		b.add(300)
		pass(time.Minute)
		if records, _, _ := b.kept(); records != 0 {
			t.Fatalf("%d records", records)
		}
		b.fail(nil)
		pass(3 * time.Second)
		if records, _, lost := b.kept(); records != 300 || lost != "" {
			t.Errorf("%d records, lost %q", records, lost)
		}
		if lines := strings.Count(b.logged.String(), "\n"); lines != 2 || !strings.Contains(b.logged.String(), "works again") {
			t.Errorf("logged\n%s", b.logged.String())
		}
	})
}

// What finds no room is counted, and told in a record of its own.
func TestRecordsThatAreLostAreTold(t *testing.T) {
	write(t, func(b *bench) {
		b.fail(errors.New("database is gone"))
		const many = 20_000
		taken := b.add(many)
		pass(3 * time.Second)
		taken += b.add(1) // the writer has taken a batch meanwhile
		if taken < 8192 || taken > 9000 {
			t.Errorf("%d records found room", taken)
		}
		b.fail(nil)
		pass(5 * time.Second)
		records, _, lost := b.kept()
		if want := many + 1 - taken; lost == "" || records != taken+1 || lost != strconv.Itoa(want) {
			t.Errorf("%d records of %d are kept, lost %q, want %d", records, taken, lost, want)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	w := audit.NewWriter(&shelf{}, slog.New(slog.DiscardHandler), time.Now, "node-1")
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	go w.Run(ctx)
	record := audit.Record{Time: time.Now(), Event: audit.TokenIssued, ClientID: "web", Subject: "web", Realm: "/"}
	b.ReportAllocs()
	for b.Loop() {
		w.Add(record, time.Hour)
	}
}

package audit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueued bounds the records that wait for the store.
	maxQueued = 8192
	// maxBatch bounds those of one transaction.
	maxBatch = 256
	// flushEvery is how long a record waits for others.
	flushEvery = 250 * time.Millisecond
	// retryEvery spaces out attempts while the store cannot be reached.
	retryEvery = time.Second
	// closeTimeout bounds how long the last records may hold up the end.
	closeTimeout = 2 * time.Second
)

// Store is what a Writer writes to.
type Store interface {
	// AppendAudit keeps entries. One whose ID is there already is left alone.
	AppendAudit(ctx context.Context, entries []Entry) error
}

// Writer keeps records in a store. It never holds up whoever adds one: records
// wait in a bounded queue, and what does not fit is counted and, as soon as the
// store works again, told in a record of its own.
type Writer struct {
	store Store
	log   *slog.Logger
	now   func() time.Time
	node  string

	// gate is held to read while a record enters the queue, to write while it is
	// closed.
	gate   sync.RWMutex
	closed bool
	queue  chan Entry
	told   atomic.Uint32

	mu      sync.Mutex
	lost    int64         // not told in a record yet
	keep    time.Duration // as of the last record
	failing bool
}

// NewWriter makes a Writer that writes while Run runs. node is the name that its
// own records bear.
func NewWriter(store Store, log *slog.Logger, now func() time.Time, node string) *Writer {
	return &Writer{store: store, log: log, now: now, node: node, queue: make(chan Entry, maxQueued)}
}

// Add takes a record to be kept for so long; false when there is no room, and it
// is lost.
func (w *Writer) Add(record Record, keep time.Duration) bool {
	record.ID = w.newID(record.Time)
	w.gate.RLock()
	defer w.gate.RUnlock()
	if !w.closed {
		select {
		case w.queue <- Entry{record, record.Time.Add(keep)}:
			return true
		default:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost, w.keep = w.lost+1, keep
	return false
}

// Waiting is how many records the store has not been given yet.
func (w *Writer) Waiting() int { return len(w.queue) }

// Run writes until ctx ends, and then what is left.
func (w *Writer) Run(ctx context.Context) {
	for {
		batch := w.collect(ctx)
		for len(batch) > 0 && ctx.Err() == nil && !w.write(ctx, batch) {
			pause(ctx, retryEvery)
		}
		if ctx.Err() != nil {
			w.finish(batch)
			return
		}
	}
}

// collect waits for records and a moment for more. It may come back with none.
func (w *Writer) collect(ctx context.Context) (batch []Entry) {
	var full <-chan time.Time
	for len(batch) < maxBatch {
		select {
		case <-ctx.Done():
			return batch
		case <-full:
			return batch
		case entry := <-w.queue:
			if batch == nil {
				timer := time.NewTimer(flushEvery)
				defer timer.Stop()
				full = timer.C
			}
			batch = append(batch, entry)
		}
	}
	return batch
}

// write gives a batch to the store, with a record of what was lost before it.
func (w *Writer) write(ctx context.Context, batch []Entry) (written bool) {
	lost, keep := w.losses()
	if lost > 0 {
		record := Record{
			Time: w.now(), Event: RecordsLost, Outcome: RecordsLost.Outcome(), Actor: BySystem, Node: w.node,
			Details: Details{{Count, strconv.FormatInt(lost, 10)}},
		}
		record.ID = w.newID(record.Time)
		batch = append(batch[:len(batch):len(batch)], Entry{record, record.Time.Add(keep)})
	}
	err := w.store.AppendAudit(ctx, batch)
	w.settle(lost, err)
	return err == nil
}

func (w *Writer) losses() (int64, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost, w.keep
}

// settle tells the operator of the first failure and of its end.
func (w *Writer) settle(lost int64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil && !w.failing:
		w.failing = true
		w.log.Error("writing audit records to the store fails; retrying. Records wait until there are too many", "error", err, "most", maxQueued)
	case err == nil && w.failing:
		w.failing = false
		w.log.Info("writing audit records to the store works again", "lost", lost)
	case err == nil && lost > 0:
		w.log.Warn("the store takes audit records more slowly than they come: some were not written to it", "lost", lost)
	}
	if err == nil {
		w.lost -= lost
	}
}

// finish lets no more records in and writes those that are left.
func (w *Writer) finish(batch []Entry) {
	w.gate.Lock()
	w.closed = true
	w.gate.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	missed := 0
	for ctx.Err() == nil {
		for len(batch) < maxBatch && len(w.queue) > 0 {
			batch = append(batch, <-w.queue)
		}
		if len(batch) == 0 {
			break
		}
		if !w.write(ctx, batch) {
			missed += len(batch)
		}
		batch = nil
	}
	if missed += len(batch) + len(w.queue); missed > 0 {
		w.log.Error("the store was not given the last audit records; the log has them", "count", missed)
	}
}

func pause(ctx context.Context, length time.Duration) {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// newID makes a name that orders records by time, and those of one node within a
// millisecond by when they were told: 48 bits of unix milliseconds, a counter of
// 32 bits, and 48 random ones that keep nodes apart.
func (w *Writer) newID(at time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint32(id[6:], w.told.Add(1))
	_, _ = rand.Read(id[10:]) // never fails
	return hex.EncodeToString(id[:])
}

// FirstID is below the ID of every record of a time or later.
func FirstID(at time.Time) string {
	var id [16]byte
	if !at.IsZero() {
		binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	}
	return hex.EncodeToString(id[:])
}

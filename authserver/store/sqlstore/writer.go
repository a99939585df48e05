package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/failpoint"
)

const (
	// maxWaiting bounds the steps that wait for the writer; more wait to wait.
	maxWaiting = 1024
	// maxBatch bounds the steps of one transaction, and so what a failed commit
	// takes with it.
	maxBatch = 256
	// beginTries times writerBusyTimeout is how long another process may hold
	// the database before a write gives up: about 5 seconds.
	beginTries = 250
	// foldEvery is how many steps the log takes before it is folded into the
	// database file: some 4 MiB of it.
	foldEvery = 256
)

var (
	errClosed = errors.New("the store is closed")
	errBusy   = errors.New("another process keeps the database locked")
)

// writer is the one connection that writes. Steps that arrive while a
// transaction is made durable wait and share the next one: the sync to disk,
// which is nearly all that a small write costs, is divided among them.
//
// Its failures are of two kinds. A full disk or a busy database fails the steps
// of one transaction, and the next is tried afresh. Any other failed commit, and
// any other fault of the disk, ends all writing until the database is opened
// again: after a failed sync the operating system may have dropped the pages
// that it could not write, so a later commit that succeeds would prove nothing.
type writer struct {
	conn *sqlite.Conn
	// commit makes the open transaction durable, and fold moves what the log
	// holds into the database file. Tests put faults here.
	commit, fold func() error
	// unfolded counts the steps since the last fold.
	unfolded int

	// gate is held to read while a step enters the queue, to write while the
	// queue is closed.
	gate   sync.RWMutex
	closed bool
	queue  chan *job
	done   chan struct{}

	commits atomic.Int64
	broken  atomic.Pointer[error]
}

// job is a step that waits for its transaction.
type job struct {
	ctx  context.Context
	step func(querier) error
	// err is the step's own; it may be read once over is closed.
	err  error
	over chan struct{}
}

func startWriter(conn *sqlite.Conn) *writer {
	w := &writer{
		conn:  conn,
		queue: make(chan *job, maxWaiting),
		done:  make(chan struct{}),
	}
	w.commit = func() error { return w.control("COMMIT") }
	w.fold = func() error { return fold(w.conn, "PASSIVE") }
	go w.run()
	return w
}

// do runs step in the next transaction and returns after its commit.
func (w *writer) do(ctx context.Context, step func(querier) error) error {
	j := &job{ctx: ctx, step: step, over: make(chan struct{})}
	if err := w.enter(j); err != nil {
		return err
	}
	select {
	case <-j.over:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) enter(j *job) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	}
}

// close lets no more steps in and returns when those inside are done. It is
// called once.
func (w *writer) close() {
	w.gate.Lock()
	w.closed = true
	close(w.queue)
	w.gate.Unlock()
	<-w.done
}

// failure is why nothing can be written any more, or nil.
func (w *writer) failure() error {
	if broken := w.broken.Load(); broken != nil {
		return *broken
	}
	return nil
}

func (w *writer) run() {
	defer close(w.done)
	for first := range w.queue {
		// Those who can run now may be about to write, too. While a sync lasts, its
		// thread keeps a processor from them, and fewer and larger batches sync less.
		runtime.Gosched()
		// Nobody else takes from the queue, so what is in it can be taken.
		waiting := min(len(w.queue), maxBatch-1)
		batch := append(make([]*job, 0, 1+waiting), first)
		for range waiting {
			batch = append(batch, <-w.queue)
		}
		err := w.transact(batch)
		for _, j := range batch {
			if err != nil {
				j.err = err
			}
			close(j.over)
		}
		w.foldSometimes(len(batch))
	}
}

// transact runs a batch in one transaction. Its error is everybody's: then
// nothing of the batch may be taken as done.
func (w *writer) transact(batch []*job) error {
	if err := w.failure(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	for _, j := range batch {
		if err := w.runStep(j); err != nil {
			w.rollback()
			return err
		}
	}
	failpoint.Pass(failpoint.BeforeCommit)
	if err := w.commit(); err != nil {
		w.rollback()
		if !passing(err) {
			w.end(err)
		}
		return err
	}
	failpoint.Pass(failpoint.AfterCommit)
	w.commits.Add(1)
	return nil
}

// end ends all writing.
func (w *writer) end(err error) {
	broken := fmt.Errorf("the disk failed and nothing is written until a restart: %w", err)
	w.broken.Store(&broken)
}

// foldSometimes keeps the log short. SQLite by itself would do so within a
// commit and say nothing when it fails; here nobody waits for it, and a sync
// that fails is a disk that failed.
func (w *writer) foldSometimes(steps int) {
	w.unfolded += steps
	if w.unfolded < foldEvery || w.failure() != nil {
		return
	}
	w.unfolded = 0
	if err := w.fold(); err != nil && !passing(err) {
		w.end(err)
	}
}

// begin takes the write lock. SQLite's own waiting grows to a tenth of a second
// between two looks, long enough to be overtaken for ever by a busy process;
// many short waits are fairer.
func (w *writer) begin() error {
	for range beginTries {
		err := w.control("BEGIN IMMEDIATE")
		if primaryCode(err) != sqlite.ResultBusy {
			return err
		}
	}
	return errBusy
}

// runStep runs one step so that its failure leaves no trace. It returns an
// error only when the transaction as a whole is lost, as when SQLite has rolled
// it back on a full disk: then nothing more may run, for it would commit alone.
func (w *writer) runStep(j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if err := w.control("SAVEPOINT step"); err != nil {
		return err
	}
	// A caller that leaves does not interrupt the transaction of all others.
	j.err = j.step(sqliteQuerier{w.conn})
	if j.err != nil {
		// A transaction too large for memory is written before its commit.
		if primaryCode(j.err) == sqlite.ResultIOErr && !passing(j.err) {
			w.end(j.err)
			return j.err
		}
		if err := w.control("ROLLBACK TO step"); err != nil {
			return j.err
		}
	}
	return w.control("RELEASE step")
}

// rollback ends a transaction that SQLite may have ended itself.
func (w *writer) rollback() { _ = w.control("ROLLBACK") }

func (w *writer) control(text string) error {
	_, err := sqliteQuerier{w.conn}.exec(text)
	return err
}

// passing says whether a failed write is of a kind that the next one need not
// share, and left nothing half-written behind.
func passing(err error) bool {
	switch primaryCode(err) {
	case sqlite.ResultFull, sqlite.ResultBusy:
		return true
	case sqlite.ResultIOErr:
		// The index beside the log could not grow: a full disk once more.
		return sqlite.ErrCode(err) == sqlite.ResultIOErrSHMSize
	}
	return false
}

// primaryCode is SQLite's result code, ResultError for errors of others.
func primaryCode(err error) sqlite.ResultCode { return sqlite.ErrCode(err).ToPrimary() }

package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	lib "modernc.org/sqlite/lib"
	"zombiezen.com/go/sqlite"
)

// The driver of database/sql does so when it starts: the size of pages of memory, for
// kernels with large ones.
func init() { lib.PatchIssue199() }

// connect opens a connection to the file at path, and makes the file when it is not
// there. wait is how long the connection waits for another process, and pragmas are
// what it runs first. A misspelt column in double quotes is an error on it, not a text.
func connect(path string, wait time.Duration, pragmas ...string) (*sqlite.Conn, error) {
	path, err := filepath.Abs(path) // no whole path is a name like :memory:
	if err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(wait)
	for _, pragma := range pragmas {
		if _, err := (sqliteQuerier{conn}).exec("PRAGMA " + pragma); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// readers are the connections that read. Each is opened when it is first needed.
type readers struct {
	path  string
	slots chan struct{} // one for each that reads
	over  chan struct{}
	end   sync.Once

	mu   sync.Mutex
	idle []*sqlite.Conn // the one used last, whose pages are still there, stands last
}

func newReaders(path string, size int) *readers {
	return &readers{path: path, slots: make(chan struct{}, size), over: make(chan struct{})}
}

// with has use read on a connection of its own.
func (r *readers) with(ctx context.Context, use func(sqliteQuerier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := r.take()
	if err != nil {
		return err
	}
	defer r.give(conn)
	return use(sqliteQuerier{conn})
}

func (r *readers) take() (*sqlite.Conn, error) {
	select {
	case <-r.over:
		return nil, errClosed
	default:
	}
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		conn := r.idle[last]
		r.idle = r.idle[:last]
		r.mu.Unlock()
		return conn, nil
	}
	r.mu.Unlock()
	return connect(r.path, busyTimeout, "query_only = 1")
}

func (r *readers) give(conn *sqlite.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, conn)
}

// close lets nobody read any more, and returns when those who do have finished.
func (r *readers) close() (err error) {
	r.end.Do(func() {
		close(r.over)
		for range cap(r.slots) {
			r.slots <- struct{}{}
		}
		for _, conn := range r.idle {
			err = errors.Join(err, conn.Close())
		}
		for range cap(r.slots) {
			<-r.slots // who comes now hears that it is over
		}
	})
	return err
}

// sqliteReader is the querier of what was committed.
type sqliteReader struct {
	ctx     context.Context
	readers *readers
}

func (r sqliteReader) exec(text string, args ...any) (changed int64, err error) {
	err = r.readers.with(r.ctx, func(q sqliteQuerier) error {
		changed, err = q.exec(text, args...)
		return err
	})
	return changed, err
}

// row does not heed that its caller leaves: a row that is found by an index is there
// before anybody could be told to stop.
func (r sqliteReader) row(text string, args ...any) scanner {
	return scanFunc(func(dest []any) error {
		return r.readers.with(r.ctx, func(q sqliteQuerier) error { return q.row(text, args...).Scan(dest...) })
	})
}

func (r sqliteReader) sole(text string, args ...any) scanner { return r.row(text, args...) }

func (r sqliteReader) each(scan func(scanner) error, text string, args ...any) error {
	return r.readers.with(r.ctx, func(q sqliteQuerier) error {
		return interruptible(r.ctx, q.conn, func() error { return q.each(scan, text, args...) })
	})
}

// interruptible ends what use runs when ctx ends.
func interruptible(ctx context.Context, conn *sqlite.Conn, use func() error) error {
	conn.SetInterrupt(ctx.Done())
	defer conn.SetInterrupt(nil)
	err := use()
	if sqlite.ErrCode(err) == sqlite.ResultInterrupt && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

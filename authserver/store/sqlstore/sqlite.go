package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
)

const (
	// busyTimeout is how long a connection waits for another process;
	// writerBusyTimeout is one of the writer's many short waits.
	busyTimeout       = 5 * time.Second
	writerBusyTimeout = 20 * time.Millisecond
)

// sqliteEngine is one connection that writes and a pool that reads. With
// write-ahead logging neither waits for the other.
type sqliteEngine struct {
	path    string
	copying sync.Mutex // one backup at a time
	writer  *writer
	readers *readers
	once    sync.Once
}

// OpenSQLite opens the database file at path, and makes it, with its directory,
// when it is not there: readable by its owner only. It brings the schema up to
// date. Two processes may safely have one file open, though they gain nothing
// by it; Lock lets a server refuse that.
//
// The file system must be a local one: SQLite's locks and shared memory do not
// work across a network.
func OpenSQLite(ctx context.Context, path string) (*Store, error) {
	engine, err := openSQLite(path)
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
	}
	s := &Store{engine: engine}
	if err := engine.write(ctx, func(q querier) error { return migrate(q, "sqlite") }); err != nil {
		return nil, errors.Join(fmt.Errorf("open the SQLite database %s: %w", path, err), engine.close())
	}
	return s, nil
}

func openSQLite(path string) (*sqliteEngine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	conn, err := openWriter(path)
	if err != nil {
		return nil, err
	}
	return &sqliteEngine{
		path:    path,
		writer:  startWriter(conn),
		readers: newReaders(path, max(4, runtime.GOMAXPROCS(0))),
	}, nil
}

// makePrivate sees that the database file exists and is its owner's alone; the
// files that SQLite puts beside it get the same mode. A file that exists is
// never opened here: closing it again would drop the locks that this process
// may hold on it.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.Chmod(path, 0o600)
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func openWriter(path string) (*sqlite.Conn, error) {
	conn, err := connect(path, busyTimeout)
	if err != nil {
		return nil, err
	}
	if err := prepareWriter(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func prepareWriter(conn *sqlite.Conn) error {
	q := sqliteQuerier{conn}
	// Issued means committed, and committed means on disk, on macOS too.
	for _, setting := range []string{"synchronous = FULL", "fullfsync = 1", "checkpoint_fullfsync = 1", "wal_autocheckpoint = 0"} {
		if _, err := q.exec("PRAGMA " + setting); err != nil {
			return err
		}
	}
	var mode string
	if err := q.row("PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system has no shared memory for write-ahead logging "+
			"(journal mode is %s): put the file on a local disk", mode)
	}
	conn.SetBusyTimeout(writerBusyTimeout)
	// After a failed sync the log may hold what the operating system shows and
	// the disk does not. Folded, all of it is written again before anything is
	// built on it. A full disk can wait: it never lies.
	if err := fold(conn, "TRUNCATE"); err != nil && !passing(err) {
		return err
	}
	return nil
}

// fold moves what the log holds into the database file, as far as other
// connections let it. With TRUNCATE the log is empty afterwards.
func fold(conn *sqlite.Conn, mode string) error {
	_, err := sqliteQuerier{conn}.exec("PRAGMA wal_checkpoint(" + mode + ")")
	return err
}

func (e *sqliteEngine) write(ctx context.Context, step func(querier) error) error {
	return e.writer.do(ctx, step)
}

func (e *sqliteEngine) read(ctx context.Context) querier {
	return sqliteReader{ctx, e.readers}
}

// changed is nil: one process has the file.
func (e *sqliteEngine) changed() <-chan struct{} { return nil }

func (e *sqliteEngine) ping(ctx context.Context) error {
	if err := e.writer.failure(); err != nil {
		return err
	}
	var version int
	return e.read(ctx).row(selectVersion).Scan(&version)
}

// close folds the log into the database file, so that a copy of that one file is
// a whole backup while nobody has it open. Readers end first: the log cannot be
// cut while one of them may need it.
func (e *sqliteEngine) close() (err error) {
	e.once.Do(func() {
		e.writer.close()
		err = e.readers.close()
		err = errors.Join(err, fold(e.writer.conn, "TRUNCATE"), e.writer.conn.Close())
	})
	return err
}

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

const (
	// busyTimeout is how long a connection waits for another process, in
	// milliseconds; writerBusyTimeout is one of the writer's many short waits.
	busyTimeout       = 5000
	writerBusyTimeout = 20
)

// sqliteEngine is one connection that writes and a pool that reads. With
// write-ahead logging neither waits for the other.
type sqliteEngine struct {
	path     string
	copying  sync.Mutex // one backup at a time
	writable *sql.DB
	writer   *writer
	readable *sql.DB
	texts    *statements
	once     sync.Once
}

// OpenSQLite opens the database file at path, and makes it, with its directory,
// when it is not there: readable by its owner only. It brings the schema up to
// date. Two processes may safely have one file open, though they gain nothing
// by it; Lock lets a server refuse that.
//
// The file system must be a local one: SQLite's locks and shared memory do not
// work across a network.
func OpenSQLite(ctx context.Context, path string) (*Store, error) {
	engine, err := openSQLite(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database %s: %w", path, err)
	}
	s := &Store{engine: engine}
	if err := engine.write(ctx, func(q querier) error { return migrate(q, "sqlite") }); err != nil {
		return nil, errors.Join(fmt.Errorf("open the SQLite database %s: %w", path, err), engine.close())
	}
	return s, nil
}

func openSQLite(ctx context.Context, path string) (*sqliteEngine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	writable, err := openPool(path, url.Values{
		"_journal_mode": {"WAL"},
		// Issued means committed, and committed means on disk, on macOS too.
		"_synchronous": {"FULL"},
		"_pragma":      {"fullfsync(1)", "checkpoint_fullfsync(1)", "wal_autocheckpoint(0)"},
	}, 1)
	if err != nil {
		return nil, err
	}
	conn, err := openWriter(ctx, writable)
	if err != nil {
		return nil, errors.Join(err, writable.Close())
	}
	readable, err := openPool(path, url.Values{"_query_only": {"1"}}, max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, errors.Join(err, conn.Close(), writable.Close())
	}
	return &sqliteEngine{
		path:     path,
		writable: writable,
		writer:   startWriter(conn),
		readable: readable,
		texts:    newStatements(readable.PrepareContext),
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

// openPool makes a pool of size connections with settings.
func openPool(path string, settings url.Values, size int) (*sql.DB, error) {
	settings.Set("_busy_timeout", strconv.Itoa(busyTimeout))
	// A misspelt column in double quotes is an error, not a text.
	settings.Set("_dqs", "0")
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/… is file:///C:/…
	}
	connector, err := sqlite.NewConnector("file://" + (&url.URL{Path: slashed}).EscapedPath() + "?" + settings.Encode())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

func openWriter(ctx context.Context, pool *sql.DB) (*sql.Conn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if mode != "wal" {
		return nil, errors.Join(fmt.Errorf("its file system has no shared memory for write-ahead logging "+
			"(journal mode is %s): put the file on a local disk", mode), conn.Close())
	}
	_, err = conn.ExecContext(ctx, "PRAGMA busy_timeout = "+strconv.Itoa(writerBusyTimeout))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// After a failed sync the log may hold what the operating system shows and
	// the disk does not. Folded, all of it is written again before anything is
	// built on it. A full disk can wait: it never lies.
	if err := fold(conn, "TRUNCATE"); err != nil && !passing(err) {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// fold moves what the log holds into the database file, as far as other
// connections let it. With TRUNCATE the log is empty afterwards.
func fold(conn *sql.Conn, mode string) error {
	var busy, frames, folded int
	return conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &folded)
}

func (e *sqliteEngine) write(ctx context.Context, step func(querier) error) error {
	return e.writer.do(ctx, step)
}

func (e *sqliteEngine) read(ctx context.Context) querier {
	return sqlQuerier{ctx, e.texts}
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
		err = e.readable.Close()
		err = errors.Join(err, fold(e.writer.conn, "TRUNCATE"), e.writer.conn.Close(), e.writable.Close())
	})
	return err
}

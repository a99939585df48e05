package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// backupSuffix is what is put between the name of a database and a random part
// to name a copy on its way out.
const backupSuffix = ".backup-"

// copy makes a copy in a file beside the database. It reads one snapshot and is
// a reader like others, so writers go on; only the log cannot be cut meanwhile.
func (e *sqliteEngine) copy(ctx context.Context, now time.Time) (*store.Backup, error) {
	if !e.copying.TryLock() {
		return nil, store.ErrBackupRuns
	}
	backup, err := e.copyTo(ctx, now)
	if err != nil {
		e.copying.Unlock()
		return nil, err
	}
	return backup, nil
}

func (e *sqliteEngine) copyTo(ctx context.Context, now time.Time) (*store.Backup, error) {
	e.removeCopies() // a process that was killed may have left one
	file, err := os.CreateTemp(filepath.Dir(e.path), filepath.Base(e.path)+backupSuffix+"*")
	if err != nil {
		return nil, err
	}
	c := &sqliteCopy{File: file, engine: e}
	if err := e.vacuumInto(ctx, file.Name(), now); err != nil {
		return nil, errors.Join(err, c.discard())
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, c.discard())
	}
	// Where an open file needs no name, nothing stays behind when the process is
	// stopped while the copy is on its way out.
	_ = os.Remove(c.Name())
	return &store.Backup{ReadCloser: c, Size: info.Size()}, nil
}

// vacuumInto fills an empty file with the copy and marks that.
func (e *sqliteEngine) vacuumInto(ctx context.Context, name string, now time.Time) error {
	source, err := connect(e.path, busyTimeout)
	if err != nil {
		return err
	}
	err = interruptible(ctx, source, func() error {
		_, err := sqliteQuerier{source}.exec("VACUUM INTO ?", name)
		return err
	})
	if err := errors.Join(err, source.Close()); err != nil {
		return err
	}
	made, err := connect(name, busyTimeout, "journal_mode = MEMORY", "synchronous = OFF")
	if err != nil {
		return err
	}
	_, err = sqliteQuerier{made}.exec(markBackup, seconds(now))
	return errors.Join(err, made.Close())
}

func (e *sqliteEngine) removeCopies() {
	dir, prefix := filepath.Dir(e.path), filepath.Base(e.path)+backupSuffix
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// sqliteCopy is a copy that goes when it has been read.
type sqliteCopy struct {
	*os.File
	engine *sqliteEngine
}

// Close removes the copy.
func (c *sqliteCopy) Close() error {
	err := c.discard()
	c.engine.copying.Unlock()
	return err
}

func (c *sqliteCopy) discard() error {
	err := c.File.Close()
	if gone := os.Remove(c.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// CheckLog refuses a database file beside which the log of another one lies, as
// after a restore that replaced the one and left the other: SQLite would write
// the log's old pages over the new file. Nobody in this process may have the file
// open.
func CheckLog(path string) error {
	log, err := os.Stat(path + "-wal")
	if err != nil || log.Size() == 0 {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil // opening the database says why
	}
	defer func() { _ = file.Close() }()
	// https://www.sqlite.org/fileformat.html §1.3: a file that has a log says so.
	header := make([]byte, 20)
	if _, err := io.ReadFull(file, header); err != nil || header[18] == 2 || header[19] == 2 {
		return nil
	}
	return fmt.Errorf("%s is a backup that was put in place beside the log of the database before it: "+
		"remove %[1]s-wal and %[1]s-shm, then start again", path)
}

// BackupInfo is what a file that CheckBackup has looked at says of itself.
type BackupInfo struct {
	// Made is when the backup was made; zero in a file that is none.
	Made time.Time
	// Schema is the version of the schema.
	Schema int
}

// CheckBackup sees that a file is a whole database that this program can open,
// and reads every page for that.
func CheckBackup(ctx context.Context, path string) (info BackupInfo, err error) {
	conn, err := connect(path, busyTimeout, "query_only = 1")
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = interruptible(ctx, conn, func() (err error) {
		info, err = checkBackup(sqliteQuerier{conn})
		return err
	})
	return info, err
}

func checkBackup(q querier) (info BackupInfo, err error) {
	var verdict string
	if err := q.row("PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return info, fmt.Errorf("check the backup: %w", err)
	}
	if verdict != "ok" {
		return info, fmt.Errorf("the backup is damaged: %s", verdict)
	}
	if err := q.row(selectVersion).Scan(&info.Schema); err != nil {
		return info, fmt.Errorf("the backup is not a database of this program: %w", err)
	}
	if info.Schema > schemaVersion {
		return info, fmt.Errorf("the backup's schema has version %d, and this program knows none above %d", info.Schema, schemaVersion)
	}
	var made int64
	err = q.row("SELECT value FROM meta WHERE name = 'backup'").Scan(&made)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return info, err
	}
	info.Made = moment(made)
	return info, nil
}

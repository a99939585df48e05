package store

import (
	"context"
	"errors"
	"io"
	"time"
)

var (
	// ErrNoBackup is asked of a store that cannot copy itself.
	ErrNoBackup = errors.New("this database is backed up with its own tools")
	// ErrBackupRuns is a backup that is asked for while another is being made.
	ErrBackupRuns = errors.New("another backup is being made")
)

// Backups is the part of a Store that is for copies of it.
type Backups interface {
	// Backup makes a copy of everything as it stands at one moment, while all
	// other steps go on. The copy carries the mark of a backup, made at now.
	// ErrNoBackup where copies are made by the database's own tools,
	// ErrBackupRuns while another one is being made.
	Backup(ctx context.Context, now time.Time) (*Backup, error)
	// Restored sees that nothing is used twice because the store is an earlier
	// form of itself: the codes of grants that were created before now are void,
	// and an id that would expire at spent or before counts as spent. With marked
	// it does so only when the store carries the mark of a backup, and takes that
	// off in the same step.
	Restored(ctx context.Context, marked bool, spent, now time.Time) (Restoration, error)
}

// Backup is a copy of a store to read once. Closing it removes what the store
// kept for it.
type Backup struct {
	io.ReadCloser
	// Size is how many bytes there are to read.
	Size int64
}

// Restoration is what Restored did.
type Restoration struct {
	// Done says that the store was restored; without it there is nothing else.
	Done bool
	// Made is when the backup was made; zero when that is not known.
	Made time.Time
}

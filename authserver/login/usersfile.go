package login

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
)

const (
	// lookAgain is how often a file that has changed is read again although it
	// looks the same: file systems count time coarsely.
	lookAgain = 3
	// settleTime is how long a file has to stay the same before anybody is missing
	// from it, since it may be being written.
	settleTime = 100 * time.Millisecond
	// A file that is empty, or lacks many and most of its users, looks like one that
	// has not been written to its end: it has to stay so for holdTime.
	holdTime = 5 * time.Second
	many     = 10
)

// usersFile is a file of users that is read again when it changes.
type usersFile struct {
	name, path string
	hasher     *hashing.Hasher
	log        *slog.Logger
	// seed chooses what an unknown username costs.
	seed    maphash.Seed
	current atomic.Pointer[users]

	mu     sync.Mutex
	stat   os.FileInfo
	looks  int               // how often to read on
	digest [sha256.Size]byte // of what current was read from
	broken bool              // which has been logged
	held   [sha256.Size]byte // what is on hold, until ripe
	ripe   *time.Timer
}

// open reads the file for the first time.
func (f *usersFile) open() (*users, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	read, err := parseUsers(f.name, f.path, data, f.hasher)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	f.stat, f.looks, f.digest = info, lookAgain, sha256.Sum256(data)
	f.current.Store(read)
	return read, nil
}

// Changed implements Watched. What is wrong with the file is logged once, and the
// users stay as they were.
func (f *file) Changed(ctx context.Context) ([]string, error) {
	f.refresh(ctx)
	now := f.current.Load()
	ids := ended(f.seen, now)
	f.seen = now
	return ids, nil
}

// Resume implements Resumed.
func (f *file) Resume(earlier Service) {
	if earlier, ok := earlier.(*file); ok {
		f.seen = earlier.seen
	}
}

// ended gives the ids of those who have gone, been disabled or have another
// password.
func ended(before, now *users) []string {
	if before == now {
		return nil
	}
	var ids []string
	for id, old := range before.byID {
		u, there := now.byID[id]
		if !there || u.disabled && !old.disabled || u.password != old.password {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// refresh reads the file again if it has changed.
func (f *usersFile) refresh(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		f.stat = nil // what comes is new
		f.trouble(err)
		return
	}
	if f.stat == nil || !os.SameFile(f.stat, info) || info.Size() != f.stat.Size() || !info.ModTime().Equal(f.stat.ModTime()) {
		f.stat, f.looks = info, lookAgain
	}
	if f.looks == 0 {
		return
	}
	f.looks--
	data, err := os.ReadFile(f.path)
	if err != nil {
		f.stat = nil
		f.trouble(err)
		return
	}
	f.take(ctx, data)
}

// take makes of what the file says the users that there are, unless it looks like
// a file that is being written.
func (f *usersFile) take(ctx context.Context, data []byte) {
	digest := sha256.Sum256(data)
	if digest != f.held {
		f.ripe = nil
	}
	if digest == f.digest {
		f.well()
		return
	}
	now := f.current.Load()
	read, err := parseUsers(f.name, f.path, data, f.hasher)
	if err != nil || missing(now, read) > 0 {
		if !f.settled(ctx, data) {
			f.looks = lookAgain
			return
		}
	}
	if err != nil {
		f.trouble(err)
		return
	}
	if gone := missing(now, read); gone > 0 && (len(bytes.TrimSpace(data)) == 0 || gone >= many && 2*gone > len(now.byID)) {
		if !f.stays(digest, gone) {
			f.looks = lookAgain
			return
		}
	}
	f.digest, f.ripe = digest, nil
	f.current.Store(read)
	f.well()
	f.log.Info("the users file has changed and was read again", "authentication", f.name, "file", f.path, "users", len(read.byID))
}

// missing counts the users of now that are not there any more.
func missing(now, read *users) (count int) {
	if read == nil {
		return 0
	}
	for id := range now.byID {
		if read.byID[id] == nil {
			count++
		}
	}
	return count
}

// settled says whether the file stays as it was read, for a moment.
func (f *usersFile) settled(ctx context.Context, data []byte) bool {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	again, err := os.ReadFile(f.path)
	return err == nil && bytes.Equal(data, again)
}

// stays says whether the file has said so for holdTime.
func (f *usersFile) stays(digest [sha256.Size]byte, gone int) bool {
	if f.ripe == nil || f.held != digest {
		f.held, f.ripe = digest, time.NewTimer(holdTime)
		f.log.Warn("most users are gone from the users file: if it stays so for some seconds they are signed out",
			"authentication", f.name, "file", f.path, "gone", gone)
		return false
	}
	select {
	case <-f.ripe.C:
		return true
	default:
		return false
	}
}

// trouble and well log that the file cannot be used, and that it can again, once.
func (f *usersFile) trouble(err error) {
	if f.broken {
		return
	}
	f.broken = true
	f.log.Error("the users file cannot be read: the users stay as they were", "authentication", f.name, "file", f.path, "error", err)
}

func (f *usersFile) well() {
	if f.broken {
		f.broken = false
		f.log.Info("the users file can be read again", "authentication", f.name, "file", f.path)
	}
}

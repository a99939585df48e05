package introspect

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxRefused bounds how many refusals are remembered at once.
	maxRefused = 4096
	// maxRefusedFor is the longest that one is (RS30).
	maxRefusedFor = 5 * time.Second
)

// refused remembers for a moment which tokens an introspection endpoint did
// not vouch for, so that a client in a loop does not cost a call each time. It
// stands apart from the Cache: bad tokens never drive out good ones.
type refused struct {
	ttl time.Duration

	mu      sync.Mutex
	entries map[[sha256.Size]byte]refusedEntry
}

type refusedEntry struct {
	reason string
	until  time.Time
}

func newRefused(ttl time.Duration) *refused {
	return &refused{ttl: min(ttl, maxRefusedFor), entries: map[[sha256.Size]byte]refusedEntry{}}
}

func (r *refused) add(digest [sha256.Size]byte, reason string, now time.Time) {
	if r.ttl <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) >= maxRefused {
		// Forgetting costs a call; keeping order would cost every request.
		clear(r.entries)
	}
	r.entries[digest] = refusedEntry{reason, now.Add(r.ttl)}
}

func (r *refused) reason(digest [sha256.Size]byte, now time.Time) (reason string, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry, there := r.entries[digest]
	if there && !now.Before(entry.until) {
		delete(r.entries, digest)
		return "", false
	}
	return entry.reason, there
}

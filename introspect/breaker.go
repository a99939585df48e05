package introspect

import (
	"sync"
	"time"
)

const (
	// breakAfter failures in a row, a peer is left alone…
	breakAfter = 5
	// …but for one try in every breakFor.
	breakFor = time.Second
)

// breaker keeps us from waiting for a peer that does not answer.
type breaker struct {
	mu       sync.Mutex
	failures int
	next     time.Time // when the next try may go through while open
}

// allow says whether a call may be made now. While the breaker is open it lets
// one through each breakFor, whose outcome decides.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(breakFor)
	return true
}

// report tells the outcome of a call that was allowed.
func (b *breaker) report(ok bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.failures = 0
		return
	}
	b.failures++
	b.next = now.Add(breakFor)
}

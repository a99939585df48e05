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
	// maxRest bounds how long a peer that asks for it is left alone, and
	// maxRestOfKnown how long about tokens that it vouched for lately: there are
	// few of these, and the rest that it needs is from others.
	maxRest        = time.Minute
	maxRestOfKnown = 5 * time.Second
)

// States of a breaker, and values of Status.Breaker.
const (
	BreakerClosed   = "closed"    // calls are made
	BreakerOpen     = "open"      // none is made now
	BreakerHalfOpen = "half_open" // the next one is the try that decides
)

// breaker keeps us from waiting for a peer that does not answer, and from
// pressing one that asks for a rest.
type breaker struct {
	maxRest time.Duration

	mu       sync.Mutex
	failures int
	next     time.Time // when the next try may go through while open
	rest     time.Time // until when the peer asked to be left alone
}

// allow says whether a call may be made now, and if not, how long to wait.
// While the breaker is open it lets one through each breakFor, whose outcome
// decides.
func (b *breaker) allow(now time.Time) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.state(now) {
	case BreakerClosed:
		return 0, true
	case BreakerHalfOpen:
		b.next = now.Add(breakFor)
		return 0, true
	default:
		return max(b.rest.Sub(now), b.next.Sub(now), breakFor), false
	}
}

// report tells the outcome of a call. What went well while the peer rests was
// asked for earlier, or by others.
func (b *breaker) report(ok bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		if !now.Before(b.rest) {
			b.failures = 0
		}
		return
	}
	b.failures++
	b.next = now.Add(breakFor)
}

// pause leaves the peer alone for as long as it asks, within maxRest, and says
// for how long that is. After that one try decides.
func (b *breaker) pause(asked time.Duration, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := min(asked, b.maxRest)
	if until := now.Add(rest); until.After(b.rest) {
		b.rest = until
	}
	b.failures = max(b.failures, breakAfter)
	return rest
}

// stateAt is what operators see.
func (b *breaker) stateAt(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state(now)
}

func (b *breaker) state(now time.Time) string {
	switch {
	case now.Before(b.rest):
		return BreakerOpen
	case b.failures < breakAfter:
		return BreakerClosed
	case now.Before(b.next):
		return BreakerOpen
	default:
		return BreakerHalfOpen
	}
}

// worseState is the state in which fewer calls are made.
func worseState(a, b string) string {
	for _, state := range [...]string{BreakerOpen, BreakerHalfOpen} {
		if a == state || b == state {
			return state
		}
	}
	return BreakerClosed
}

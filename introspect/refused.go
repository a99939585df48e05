package introspect

import (
	"crypto/sha256"
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
	ttl     time.Duration
	reasons *generations[string]
}

func newRefused(ttl time.Duration) *refused {
	return &refused{ttl: min(ttl, maxRefusedFor), reasons: newGenerations[string](maxRefused / 2)}
}

func (r *refused) add(digest [sha256.Size]byte, reason string, now time.Time) {
	if r.ttl > 0 {
		r.reasons.put(digest, reason, now.Add(r.ttl))
	}
}

func (r *refused) reason(digest [sha256.Size]byte, now time.Time) (reason string, there bool) {
	return r.reasons.get(digest, now)
}

package introspect

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"
)

// costPerToken is what a verdict on an ordinary token weighs in memory, so
// that "about so many tokens" and "so many bytes" are the same bound. Of that
// costBesideText is what is not its text: the entry, its place in tables, and the
// headers that one route notes beside it. What more routes note comes on top.
const (
	costPerToken   = 2 << 10
	costBesideText = 580
)

// Cache holds verdicts on good tokens, bounded. It forgets by design: nothing
// may depend on an entry being there.
//
// It holds what sources said of a token, never the token itself, and nothing
// about tokens that a source or the asking route refused: a flood of bad ones
// leaves no trace.
type Cache struct {
	entries *ristretto.Cache[uint64, *entry]
	place   func(digest [sha256.Size]byte) uint64

	commons commons

	evicted, rejected atomic.Uint64

	// ristretto panics when a write meets Close. A read could only in the moment in
	// which Close ends, and takes no lock: who closes lets requests end first.
	closing sync.RWMutex
	closed  bool
}

// NewCache makes a Cache for about so many tokens.
func NewCache(tokens int64) (*Cache, error) { return newCache(tokens, placeOf) }

func newCache(tokens int64, place func(digest [sha256.Size]byte) uint64) (*Cache, error) {
	if tokens < 1 {
		return nil, fmt.Errorf("a token cache for %d tokens is no cache: use 1 or more", tokens)
	}
	c := &Cache{place: place}
	var err error
	c.entries, err = ristretto.NewCache(&ristretto.Config[uint64, *entry]{
		NumCounters:        max(10*tokens, 1000),
		MaxCost:            tokens * costPerToken,
		BufferItems:        64,
		IgnoreInternalCost: true,
		// ristretto's own metrics would cost every hit.
		OnEvict:  func(*ristretto.Item[*entry]) { c.evicted.Add(1) },
		OnReject: func(*ristretto.Item[*entry]) { c.rejected.Add(1) },
	})
	if err != nil {
		return nil, fmt.Errorf("token cache: %w", err)
	}
	return c, nil
}

// CacheStats is what an operator wants to know of a Cache.
type CacheStats struct {
	// Evicted are entries that expired or made room, and Rejected those that did
	// not get in because all others were used more.
	Evicted, Rejected uint64
	// Bytes is about what the entries weigh, and MaxBytes what they may.
	Bytes, MaxBytes int64
}

// Stats tells how it stands.
func (c *Cache) Stats() CacheStats {
	most := c.entries.MaxCost()
	return CacheStats{
		Evicted: c.evicted.Load(), Rejected: c.rejected.Load(),
		Bytes: most - c.entries.RemainingCost(), MaxBytes: most,
	}
}

// placeOf uses 8 of the 32 bytes: where to look, not what is there. get compares
// them all.
func placeOf(digest [sha256.Size]byte) uint64 { return binary.LittleEndian.Uint64(digest[:]) }

// digestOf is Secret.Digest without an allocation for tokens of ordinary size.
func digestOf(token string) [sha256.Size]byte {
	var room [1 << 10]byte
	return sha256.Sum256(append(room[:0], token...))
}

func (c *Cache) get(digest *[sha256.Size]byte) *entry {
	if c == nil {
		return nil
	}
	found, ok := c.entries.Get(c.place(*digest))
	if !ok || found.digest != *digest {
		return nil
	}
	return found
}

// put keeps a verdict, and gives the one to go on with, beside which the routes
// note what they make of it.
func (c *Cache) put(digest *[sha256.Size]byte, issuer *Issuer, verdict *Token, now time.Time) *Token {
	ttl := time.Unix(verdict.until(), 0).Sub(now)
	if c == nil || ttl <= 0 {
		return verdict
	}
	e := newEntry(digest, issuer, verdict, &c.commons)
	if e == nil {
		return verdict
	}
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.closed {
		return verdict
	}
	c.entries.SetWithTTL(c.place(e.digest), e, costBesideText+e.size, ttl)
	return e.first(verdict.Claims)
}

// Close stops its goroutines. A request that still uses the Cache finds nothing
// in it from then on.
func (c *Cache) Close() {
	c.closing.Lock()
	defer c.closing.Unlock()
	if !c.closed {
		c.closed = true
		c.entries.Close()
	}
}

// Wait blocks until earlier writes have settled, for tests that assert hits.
func (c *Cache) Wait() { c.entries.Wait() }

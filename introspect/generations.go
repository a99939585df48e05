package introspect

import (
	"crypto/sha256"
	"sync"
	"time"
)

// generations remembers something of tokens, by their digests, in a bounded
// room. When the young generation is full it becomes the old one, and the old
// one is forgotten; what is looked up becomes young again. A flood of tokens
// that are seen once so drives out one another, and not what is in use.
type generations[V any] struct {
	most int // in one generation

	mu         sync.Mutex
	young, old map[[sha256.Size]byte]remembered[V]
}

type remembered[V any] struct {
	value V
	until time.Time
}

func newGenerations[V any](most int) *generations[V] {
	return &generations[V]{
		most:  most,
		young: map[[sha256.Size]byte]remembered[V]{},
		old:   map[[sha256.Size]byte]remembered[V]{},
	}
}

func (g *generations[V]) put(digest [sha256.Size]byte, value V, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.renew(digest, remembered[V]{value, until})
}

func (g *generations[V]) get(digest [sha256.Size]byte, now time.Time) (value V, there bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found, there := g.young[digest]
	if !there {
		if found, there = g.old[digest]; !there {
			return value, false
		}
	}
	if !now.Before(found.until) {
		delete(g.young, digest)
		delete(g.old, digest)
		return value, false
	}
	g.renew(digest, found)
	return found.value, true
}

func (g *generations[V]) drop(digest [sha256.Size]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.young, digest)
	delete(g.old, digest)
}

// renew makes an entry young.
func (g *generations[V]) renew(digest [sha256.Size]byte, entry remembered[V]) {
	if _, there := g.young[digest]; !there && len(g.young) >= g.most {
		g.young, g.old = g.old, g.young
		clear(g.young)
	}
	delete(g.old, digest)
	g.young[digest] = entry
}

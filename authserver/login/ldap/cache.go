package ldap

import (
	"sync"
	"time"
)

// maxKnown bounds how many people are remembered.
const maxKnown = 4096

// cache remembers for a while what the directory said of people who may sign in.
// Who may not is never remembered.
type cache struct {
	ttl time.Duration
	now func() time.Time

	mu     sync.Mutex
	people map[string]remembered
}

type remembered struct {
	person person
	until  time.Time
}

func newCache(ttl time.Duration, now func() time.Time) *cache {
	return &cache{ttl: ttl, now: now, people: map[string]remembered{}}
}

func (c *cache) get(id string) (person, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.people[id]
	return found.person, ok && c.now().Before(found.until)
}

func (c *cache) put(p person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.people[p.id]; !there && len(c.people) >= maxKnown {
		c.makeRoom()
	}
	c.people[p.id] = remembered{p, c.now().Add(c.ttl)}
}

// makeRoom forgets what is out of date, or else anybody: they are asked for again.
func (c *cache) makeRoom() {
	now := c.now()
	for id, known := range c.people {
		if !now.Before(known.until) {
			delete(c.people, id)
		}
	}
	for id := range c.people {
		if len(c.people) < maxKnown {
			return
		}
		delete(c.people, id)
	}
}

func (c *cache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.people, id)
}

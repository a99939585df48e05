package caddymodule

import (
	"slices"
	"sync"
)

// guards are the bearer_auth handlers of one configuration, for the admin API.
type guards struct {
	mu  sync.Mutex
	all []*BearerAuth
}

func (g *guards) add(b *BearerAuth) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, b)
}

// of gives those that take an audience; "" for all.
func (g *guards) of(audience string) []*BearerAuth {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []*BearerAuth
	for _, b := range g.all {
		if audience == "" || slices.Contains(b.Audience, audience) {
			found = append(found, b)
		}
	}
	return found
}

// trust says whether one of them takes tokens of an issuer.
func (g *guards) trust(issuer string) bool {
	return slices.ContainsFunc(g.of(""), func(b *BearerAuth) bool { return b.introspector.Trusts(issuer) })
}

package caddymodule

import (
	"slices"
	"sync"
)

// bearerRegistry has the bearer_auth handlers of one configuration, for the admin
// API.
type bearerRegistry struct {
	mu  sync.Mutex
	all []*BearerAuth
}

func (r *bearerRegistry) add(b *BearerAuth) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, b)
}

// of gives those that take an audience; "" for all.
func (r *bearerRegistry) of(audience string) []*BearerAuth {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*BearerAuth
	for _, b := range r.all {
		if audience == "" || slices.Contains(b.Audience, audience) {
			found = append(found, b)
		}
	}
	return found
}

// trust says whether one of them takes tokens of an issuer.
func (r *bearerRegistry) trust(issuer string) bool {
	return slices.ContainsFunc(r.of(""), func(b *BearerAuth) bool { return b.introspector.Trusts(issuer) })
}

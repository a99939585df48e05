package realm

import (
	"net/http"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// usage is what clients have used of their limits on this node (CL14).
type usage struct {
	mu       sync.Mutex
	byClient map[string]*clientUsage
}

type clientUsage struct{ requests, tokens window }

// window counts from its first use to its end.
type window struct {
	ends time.Time
	used int
}

// take uses one, unless that is more than the limit has; then wait is when there
// will be more.
func (w *window) take(limit store.Limit, now time.Time) (wait time.Duration, ok bool) {
	if limit.Count == 0 {
		return 0, true
	}
	// A limit that was changed, or a clock, cannot make a window longer.
	if !now.Before(w.ends) || w.ends.Sub(now) > limit.Per {
		*w = window{ends: now.Add(limit.Per)}
	}
	if w.used >= limit.Count {
		return w.ends.Sub(now), false
	}
	w.used++
	return 0, true
}

// Admit counts a token request of a client that has authenticated, and the token
// that it is about to get: giveBack is for the one that it did not get. Too many
// are a 429. Each node counts for itself.
func (r *Realm) Admit(client *store.Client, now time.Time) (giveBack func(), err error) {
	if client.RateLimit.Count == 0 && client.TokenQuota.Count == 0 {
		return nothing, nil
	}
	u := &r.Book.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	used := u.of(client.ID)
	if wait, ok := used.requests.take(client.RateLimit, now); !ok {
		return nothing, tooMany("The client sends more requests than it may.", wait)
	}
	if wait, ok := used.tokens.take(client.TokenQuota, now); !ok {
		return nothing, tooMany("The client has been given as many tokens as it may have for now.", wait)
	}
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if used.tokens.used > 0 {
			used.tokens.used--
		}
	}, nil
}

func nothing() {}

func tooMany(description string, wait time.Duration) error {
	return &oauth.Error{
		Code: oauth.CodeTooManyRequests, Description: description,
		Status: http.StatusTooManyRequests, RetryAfter: wait,
	}
}

func (u *usage) of(clientID string) *clientUsage {
	if u.byClient == nil {
		u.byClient = map[string]*clientUsage{}
	}
	if u.byClient[clientID] == nil {
		u.byClient[clientID] = &clientUsage{}
	}
	return u.byClient[clientID]
}

func (u *usage) forget(clientID string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byClient, clientID)
}

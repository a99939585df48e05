package authserver

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// staleAfter is how long ago the changes of other nodes may have been read last:
// they are read every second, and a statement takes two at most. The last known
// ones hold for longer; but a node that hears nothing should not be the one that
// is asked.
const staleAfter = 5 * time.Second

// Status is how a Backend stands.
type Status struct {
	// Fresh says that what other nodes have changed was read a moment ago.
	Fresh bool
	// ClockAhead is by how much the clock is further than the store and the other
	// nodes know it to be, negative when it is behind; 0 while it is believed.
	ClockAhead time.Duration
	// StoreAhead is by how much the store's clock is ahead of this machine's,
	// negative when it is behind; 0 for a store without one.
	StoreAhead time.Duration
	// Backlog says that the last deletion of expired rows ended at its bound.
	Backlog bool
}

// Status asks nobody.
func (b *Backend) Status() Status {
	return Status{
		Fresh:      b.running()-time.Duration(b.fresh.Load()) <= staleAfter,
		ClockAhead: b.clock.off(),
		StoreAhead: b.shared.off(),
		Backlog:    b.backlog.Load(),
	}
}

// ChangesRead is when all that other nodes may have changed was last read. What
// was known then holds on while the store cannot be reached.
func (b *Backend) ChangesRead() time.Time { return time.Unix(b.changesRead.Load(), 0) }

// KeysUsable says whether every realm has a key to sign access tokens with.
func (s *Server) KeysUsable() bool {
	for _, m := range s.realms {
		if _, err := m.realm.Keys.Signer(oauth.ES256); err != nil {
			return false
		}
	}
	return true
}

// Ping asks the store whether it can answer now.
func (b *Backend) Ping(ctx context.Context) error { return b.store.Ping(ctx) }

// stopwatch counts from now on. A clock with a monotonic reading, as time.Now is,
// may be set meanwhile.
func stopwatch(now func() time.Time) func() time.Duration {
	begun := now()
	return func() time.Duration { return now().Sub(begun) }
}

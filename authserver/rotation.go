package authserver

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// rotationInterval is how often keys are looked at, rotationLease how long the
	// node that looks after them does so alone.
	rotationInterval = 5 * time.Second
	rotationLease    = 30 * time.Second
	// leap is how far a clock moves between two looks that nobody has set.
	leap = time.Minute
	// mistrust is how long nothing is retired after a leap: as long as what the
	// keys have made can live.
	mistrust = store.MaxAccessTokenLifetime
)

// rotateKeys takes the steps that are due. Of many nodes the one with the lease
// does; should two, each step is done once all the same. A node whose clock is
// astray leaves them to others: a key would sign before verifiers have it.
func (b *Backend) rotateKeys(ctx context.Context) error {
	now := b.now()
	trusted := b.rings.clock.look(now)
	var first error
	for _, value := range b.rings.byRealm.Range {
		if err := b.rotateRing(ctx, value.(*keys.Ring), trusted, now); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (b *Backend) rotateRing(ctx context.Context, ring *keys.Ring, trusted bool, now time.Time) error {
	if ring.Stale(now) {
		if err := ring.Reload(ctx, now); err != nil {
			return err
		}
	}
	if b.clock.off() != 0 {
		return nil
	}
	for _, step := range ring.Due(now) {
		if step.Action == keys.Retire && !trusted {
			continue
		}
		held, err := b.leaseKeys(ctx, now)
		if err != nil || !held {
			return err
		}
		if _, err := ring.Take(ctx, step, now); err != nil {
			return err
		}
	}
	return nil
}

// leaseKeys takes the lease, also one from further ahead than clocks may differ:
// a node whose clock had leapt has left it, and it would last as long.
func (b *Backend) leaseKeys(ctx context.Context, now time.Time) (held bool, err error) {
	until, err := b.store.LeasedUntil(ctx, "keys")
	if err != nil {
		return false, err
	}
	asOf := now
	if until.Sub(now) > rotationLease+clockSlack {
		asOf = until
	}
	return b.store.Lease(ctx, "keys", b.node, now.Add(rotationLease), asOf)
}

// clock notices when the time was set. A key that is retired does not come back,
// so that for a while after a leap, whichever way, none is.
type clock struct {
	last    time.Time
	trusted time.Time // from when on
}

// look says whether the clock can be trusted to retire keys.
func (c *clock) look(now time.Time) bool {
	// Set by hand, by a daemon, or gone on while the machine slept. Round strips
	// the monotonic reading, which would hide the first two.
	now = now.Round(0)
	if moved := now.Sub(c.last); !c.last.IsZero() && (moved > leap || moved < -leap) {
		c.trusted = now.Add(mistrust)
	}
	c.last = now
	return !now.Before(c.trusted)
}

package authserver

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// clockInterval is how often the store is asked for the time.
	clockInterval = 5 * time.Second
	// maxOffset is by how much a machine's clock and the store's may differ. More
	// is a fault of one of them, and nobody can say of which.
	maxOffset = time.Minute
	// maxRoundTrip is how long the store may take to say what the time is. What is
	// older says too little.
	maxRoundTrip = time.Second
)

// storeClock tells the time by the store's clock, which is the same for all nodes:
// what one of them writes down the others compare with it. Without that a retry
// at a node that is further ahead than the grace would look like a stolen token.
type storeClock struct {
	own func() time.Time
	// offset is by how much the store's clock is ahead of ours, as far as we
	// follow it; apart is by how much it was when that was too much, else 0.
	offset, apart atomic.Int64
}

func (c *storeClock) now() time.Time { return c.own().Add(time.Duration(c.offset.Load())) }

// heed takes what the store said the time was between sent and came, two readings
// of our clock. What is known already to within the time that it took stays, so
// that the clock does not tremble.
func (c *storeClock) heed(told, sent, came time.Time) {
	trip := came.Sub(sent)
	if trip < 0 || trip > maxRoundTrip {
		return
	}
	offset := told.Sub(sent.Add(trip / 2).Round(0))
	if offset.Abs() > maxOffset {
		c.apart.Store(int64(offset))
		return
	}
	c.apart.Store(0)
	if held := time.Duration(c.offset.Load()); (offset - held).Abs() > trip/2 {
		c.offset.Store(int64(offset))
	}
}

// off is by how much the store's clock is ahead of ours, followed or not.
func (c *storeClock) off() time.Duration {
	if apart := c.apart.Load(); apart != 0 {
		return time.Duration(apart)
	}
	return time.Duration(c.offset.Load())
}

// Now is the time by which all that is stored and issued is dated: that of the
// store's clock when it has one and ours is near it, else ours.
func (b *Backend) Now() time.Time { return b.shared.now() }

// askClock asks the store what the time is, and logs that the clocks are too far
// apart and that they no longer are.
func (b *Backend) askClock(ctx context.Context) error {
	sent := b.shared.own()
	told, err := b.store.Clock(ctx)
	if err != nil || told.IsZero() {
		return err
	}
	was := b.shared.apart.Load() != 0
	b.shared.heed(told, sent, b.shared.own())
	switch apart := b.shared.apart.Load(); {
	case apart != 0 && !was:
		b.log.Warn("the clocks of this machine and of the database differ by too much to go by the database's; "+
			"other nodes may refuse what this one issues. Check the time synchronization of both",
			"behind", time.Duration(apart).Round(time.Second).String(), "most", maxOffset.String())
	case apart == 0 && was:
		b.log.Info("the clocks of this machine and of the database agree again")
	}
	return nil
}

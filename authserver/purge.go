package authserver

import (
	"context"
	"time"
)

const (
	purgeInterval = 5 * time.Second
	// purgeBatch is small, since SQLite has one writer, for which requests wait
	// meanwhile. Smaller ones would delete less than a busy server makes, for most of
	// their time goes into waiting for that writer.
	purgeBatch   = 50
	purgeBatches = 1000
	// purgeRest is how many times as long as it has worked a deletion rests:
	// requests have the rest of the writer's time.
	purgeRest  = 2
	purgeLease = 30 * time.Second
)

// purge deletes in small batches while it holds the lease, so that of many
// nodes one does the work. A node whose clock is astray leaves it to others.
func (b *Backend) purge(ctx context.Context) error {
	until, believed, err := b.checkClock(ctx)
	if err != nil || !believed {
		return err
	}
	now := b.now()
	// A lease of a clock that was believed and wrong would last for as long as it
	// was ahead.
	asOf := now
	if until.Sub(now) > purgeLease+clockSlack {
		asOf = until
	}
	held, err := b.store.Lease(ctx, "purge", b.node, now.Add(purgeLease), asOf)
	if err != nil || !held {
		b.backlog.Store(false)
		return err
	}
	b.clock.tell(now.Truncate(time.Second))
	past := b.clock.past(now, b.running())
	// While batches are full there is more. What is left when it is time to look at
	// the lease and the clock again is left for then.
	began := b.running()
	for range purgeBatches {
		batch := b.running()
		deleted, err := b.store.DeleteExpired(ctx, past, purgeBatch)
		if err != nil || deleted < purgeBatch {
			b.backlog.Store(false)
			return err
		}
		// First the rest, which a slow batch has to take as well.
		if !rest(ctx, purgeRest*(b.running()-batch)) || b.running()-began >= purgeInterval {
			break
		}
	}
	b.backlog.Store(true)
	return nil
}

// rest waits, and says whether there is time to go on.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// checkClock compares the clock with what others hold the time to be: they say so
// by how long they take the lease.
func (b *Backend) checkClock(ctx context.Context) (until time.Time, believed bool, err error) {
	until, err = b.store.LeasedUntil(ctx, "purge")
	if err != nil {
		return until, false, err
	}
	if !until.IsZero() {
		b.clock.hear(until.Add(-purgeLease), b.running())
	}
	return until, !b.noteClock(b.clock.look(b.now(), b.running())), nil
}

// noteClock logs that the clock has gone astray and that it is right again, and
// says whether it is astray.
func (b *Backend) noteClock(astray time.Duration) bool {
	off := astray != 0
	switch {
	case off && !b.astray:
		b.log.Warn("the clock is not where the store and the other nodes know it to be, or nobody was there for that time; "+
			"nothing is deleted until it has stood by it for as long, an hour at least and a day at most. Check the time synchronization",
			"ahead", astray.Round(time.Second).String())
	case !off && b.astray:
		b.log.Info("the clock is believed again")
		// By a clock that was ahead the deny-list has dropped what still holds.
		b.denials.rewind()
	}
	b.astray = off
	return off
}

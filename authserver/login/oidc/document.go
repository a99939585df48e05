package oidc

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// freshFor is how long a document is used without asking for it again, and
	// staleFor how long while it cannot be had.
	freshFor = time.Hour
	staleFor = 24 * time.Hour
	// retryEvery is how often a document that could not be had is asked for, and
	// forcedEvery how often one that seems to have changed.
	retryEvery  = 5 * time.Second
	forcedEvery = 30 * time.Second
)

// document is something that a provider publishes. It is read when somebody needs
// it, once for all who do at that time.
type document[T any] struct {
	mu      sync.Mutex
	value   T
	fetched time.Time // when value was read; zero for never
	tried   time.Time // when it was last asked for
	err     error     // how that ended
	flight  chan struct{}
}

// get gives the document. changed says that the one at hand does not seem to be
// the last: it is asked for again, unless that was done lately. The last good one
// is used while there is no other.
func (d *document[T]) get(ctx context.Context, now time.Time, changed bool, read func(context.Context) (T, error)) (T, error) {
	d.mu.Lock()
	if d.flight == nil {
		if !d.due(now, changed) {
			defer d.mu.Unlock()
			return d.at(now)
		}
		d.flight, d.tried = make(chan struct{}), now
		// It is for all who wait, whoever of them leaves.
		go d.fly(context.WithoutCancel(ctx), now, read)
	}
	flight := d.flight
	d.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("waiting for the provider: %w", context.Cause(ctx))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at(now)
}

// due says whether to ask now.
func (d *document[T]) due(now time.Time, changed bool) bool {
	switch {
	case d.err != nil && within(now, d.tried, retryEvery):
		return false
	case changed:
		return !within(now, d.tried, forcedEvery)
	}
	return d.fetched.IsZero() || !within(now, d.fetched, freshFor)
}

// at is what there is to use.
func (d *document[T]) at(now time.Time) (T, error) {
	if !d.fetched.IsZero() && (d.err == nil || within(now, d.fetched, staleFor)) {
		return d.value, nil
	}
	var none T
	return none, d.err
}

func (d *document[T]) fly(ctx context.Context, now time.Time, read func(context.Context) (T, error)) {
	var value T
	var err error
	defer func() {
		// What a provider sends must not end the process, whatever it is.
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.err = err; err == nil {
			d.value, d.fetched = value, now
		}
		close(d.flight)
		d.flight = nil
	}()
	value, err = read(ctx)
}

// within says whether a moment is less than span ago. A clock that was set back
// makes it long ago.
func within(now, moment time.Time, span time.Duration) bool {
	age := now.Sub(moment)
	return age >= 0 && age < span
}

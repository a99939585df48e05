package hashing

import (
	"context"
	"fmt"
	"time"
)

// limiter lets a few callers work at a time, a few more wait for a short
// while, and turns the rest away at once.
type limiter struct {
	working, waiting chan struct{}
	patience         time.Duration
}

func newLimiter(work, queue int, patience time.Duration) *limiter {
	return &limiter{
		working:  make(chan struct{}, work),
		waiting:  make(chan struct{}, queue),
		patience: patience,
	}
}

// acquire returns nil when the caller may work; it then must release.
func (l *limiter) acquire(ctx context.Context) error {
	select {
	case l.working <- struct{}{}:
		return nil
	default:
	}
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		return ErrBusy
	}
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	select {
	case l.working <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("waiting for a password check: %w", context.Cause(ctx))
	}
}

func (l *limiter) release() { <-l.working }

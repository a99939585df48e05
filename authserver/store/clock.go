package store

import (
	"context"
	"time"
)

// Clocks is the part of a Store by which nodes know what the time is to others.
type Clocks interface {
	// LeasedUntil is until when a lease was last taken, over or not: by it one
	// node sees the clock of another. Zero when it was never taken.
	LeasedUntil(ctx context.Context, name string) (time.Time, error)
}

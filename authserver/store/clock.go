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
	// Clock is the time by the clock that all nodes share, the database server's.
	// Zero when there is none: then one process has the store.
	Clock(ctx context.Context) (time.Time, error)
}

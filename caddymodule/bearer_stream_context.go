package caddymodule

import (
	"context"
	"sync"
	"sync/atomic"
)

// streamContext is the context of a request that is followed: it ends with that
// of the request, with the handler, or with a cut. A context that can be ended is
// made only when somebody asks for its end, as a proxy does: a handler that
// answers by itself does not pay for one.
type streamContext struct {
	context.Context // that of the request

	mu     sync.Mutex
	over   bool
	made   atomic.Bool // own may be read without the lock
	own    context.Context
	cancel context.CancelCauseFunc
}

// end ends the context, if it has not ended yet.
func (c *streamContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	if cause != nil {
		c.make() // what is made later could not tell the cause
	}
	if c.own != nil {
		c.cancel(cause)
	}
}

// ending is the context that can be ended.
func (c *streamContext) ending() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.make(); c.over {
		c.cancel(nil) // has no effect where end has done so
	}
	return c.own
}

func (c *streamContext) make() {
	if c.own == nil {
		c.own, c.cancel = context.WithCancelCause(c.Context)
		c.made.Store(true)
	}
}

// Done implements context.Context.
func (c *streamContext) Done() <-chan struct{} { return c.ending().Done() }

// Err implements context.Context.
func (c *streamContext) Err() error { return c.ending().Err() }

// Value implements context.Context. Package context finds by it what it has made
// itself, and so the cause.
func (c *streamContext) Value(key any) any {
	if c.made.Load() {
		return c.own.Value(key)
	}
	return c.Context.Value(key)
}

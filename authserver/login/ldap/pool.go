package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// idleTimeout closes connections that nobody uses: a directory nobody asks
	// any more has none, and firewalls forget those that are silent for longer.
	idleTimeout = time.Minute
	// maxWaiting for each connection bounds those who wait for one.
	maxWaiting = 32
)

var (
	errBusy   = errors.New("too many requests wait for the directory: raise pool, or find out why it is slow")
	errClosed = errors.New("the directory is not used any more")
)

// pool holds the connections to a directory: never more than size, those in use
// and those at rest together.
type pool struct {
	dial    func(ctx context.Context, server int, purpose purpose) (*conn, error)
	servers int
	// attempt bounds the dialling of one server, so that one that swallows packets
	// leaves time for the next.
	attempt time.Duration
	slots   chan struct{} // one for each connection in use
	waiting chan struct{} // one for each request that waits or is served

	mu        sync.Mutex
	idle      []*conn // the one used last stands last
	used      int
	preferred int // the server that answered last
	closed    bool
}

func newPool(size, servers int, timeout time.Duration, dial func(context.Context, int, purpose) (*conn, error)) *pool {
	return &pool{
		dial: dial, servers: servers, attempt: timeout / time.Duration(servers),
		slots: make(chan struct{}, size), waiting: make(chan struct{}, size*(1+maxWaiting)),
	}
}

// with has do use a connection. What went wrong on a connection that had rested is
// tried once more on a new one, for the server may have closed it meanwhile.
func (p *pool) with(ctx context.Context, purpose purpose, do func(*conn) error) error {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return errBusy
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("no connection to the directory became free: %w", ctx.Err())
	}
	for rested := true; ; rested = false {
		c, err := p.take(ctx, purpose, rested)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
		err = do(c)
		intact := stop()
		well := answered(err)
		again := !well && !c.fresh && intact
		p.give(c, intact && well, !well && !again)
		switch {
		case again:
			continue
		case !intact && err != nil:
			return fmt.Errorf("the directory did not answer in time: %w", err)
		}
		return err
	}
}

// take gives a connection that rested, if that is good enough, or a new one.
func (p *pool) take(ctx context.Context, purpose purpose, rested bool) (*conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	p.used++
	var found *conn
	var over []*conn
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if c.purpose != purpose || rested && found != nil {
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		// Its timer may be about to close it: then it is no longer ours.
		if !c.idle.Stop() {
			continue
		}
		if rested && !c.IsClosing() {
			found = c
			continue
		}
		over = append(over, c)
	}
	// A new one may need the place of one that rests and serves another purpose.
	for found == nil && len(p.idle) > 0 && p.used+len(p.idle) > cap(p.slots) {
		if c := p.idle[0]; c.idle.Stop() {
			over = append(over, c)
		}
		p.idle = p.idle[1:]
	}
	server := p.preferred
	p.mu.Unlock()
	for _, c := range over {
		c.close()
	}
	if found != nil {
		return found, nil
	}
	return p.connect(ctx, server, purpose)
}

// connect tries the servers in turn, beginning with the one that answered last.
func (p *pool) connect(ctx context.Context, server int, purpose purpose) (*conn, error) {
	var faults []error
	for range p.servers {
		attempt, cancel := context.WithTimeout(ctx, p.attempt)
		c, err := p.dial(attempt, server, purpose)
		cancel()
		if err == nil {
			p.mu.Lock()
			p.preferred = server
			p.mu.Unlock()
			return c, nil
		}
		faults = append(faults, err)
		server = (server + 1) % p.servers
	}
	p.mu.Lock()
	p.used--
	p.mu.Unlock()
	return nil, errors.Join(faults...)
}

// give takes a connection back. blamed says that its server is to blame for what
// went wrong, so that another is tried next.
func (p *pool) give(c *conn, intact, blamed bool) {
	p.mu.Lock()
	p.used--
	if blamed && p.preferred == c.server {
		p.preferred = (c.server + 1) % p.servers
	}
	keep := intact && !p.closed && !c.IsClosing()
	if keep {
		c.fresh = false
		c.idle = time.AfterFunc(idleTimeout, func() { p.expire(c) })
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// expire closes a connection that has rested for too long.
func (p *pool) expire(c *conn) {
	p.mu.Lock()
	if i := slices.Index(p.idle, c); i >= 0 {
		p.idle = slices.Delete(p.idle, i, i+1)
	}
	p.mu.Unlock()
	c.close()
}

// close ends the connections that rest; those in use end when they are given back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		if c.idle.Stop() {
			c.close()
		}
	}
}

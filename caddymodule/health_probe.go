package caddymodule

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// probeEvery is how old the answer of a store may be.
	probeEvery = time.Second
	// probeTimeout is how long anyone waits for it.
	probeTimeout = time.Second
)

var errNoAnswer = errors.New("the store does not answer in time")

// storeProbe asks a store whether it can answer, once for all who want to know.
type storeProbe struct {
	mu   sync.Mutex
	last *probing
}

// probing is one question. err may be read once over is closed.
type probing struct {
	begun time.Time
	over  chan struct{}
	err   error
}

// ask gives the last answer, or gets one. A question that is not answered is not
// asked again, so that a store that hangs holds up one goroutine.
func (p *storeProbe) ask(ctx context.Context, ping func(context.Context) error) error {
	now := time.Now()
	question := p.question(now, ping)
	select {
	case <-question.over:
		return question.err
	default:
	}
	wait := time.NewTimer(question.begun.Add(probeTimeout).Sub(now))
	defer wait.Stop()
	select {
	case <-question.over:
		return question.err
	case <-wait.C:
		return errNoAnswer
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *storeProbe) question(now time.Time, ping func(context.Context) error) *probing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && (!p.last.answered() || now.Sub(p.last.begun) < probeEvery) {
		return p.last
	}
	question := &probing{begun: now, over: make(chan struct{})}
	p.last = question
	go func() {
		defer close(question.over)
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		question.err = ping(ctx)
	}()
	return question
}

func (q *probing) answered() bool {
	select {
	case <-q.over:
		return true
	default:
		return false
	}
}

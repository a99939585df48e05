package realm

import (
	"context"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// turnsWaiting is how many tries of one kind may wait for each other: as many as
	// may wait for the hasher, so that nobody waits here who would be sent away there.
	turnsWaiting = 32
	// turnsPatience is how long each of them waits.
	turnsPatience = 2 * time.Second
)

// turns lets tries of one kind happen one after the other.
type turns struct {
	mu sync.Mutex
	// of has those that are taken or waited for.
	of map[store.AttemptKey]*turn
}

type turn struct {
	taken chan struct{}
	// with is how many have it or wait for it.
	with int
}

// wait gives a turn, until leave is called: hashing.ErrBusy when too many wait
// already, or it took too long.
func (t *turns) wait(ctx context.Context, key store.AttemptKey) (leave func(), err error) {
	own, ok := t.join(key)
	if !ok {
		return nil, hashing.ErrBusy
	}
	timer := time.NewTimer(turnsPatience)
	defer timer.Stop()
	select {
	case own.taken <- struct{}{}:
		return func() {
			<-own.taken
			t.part(key, own)
		}, nil
	case <-timer.C:
		err = hashing.ErrBusy
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	t.part(key, own)
	return nil, err
}

func (t *turns) join(key store.AttemptKey) (*turn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of[key]
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		if t.of == nil {
			t.of = make(map[store.AttemptKey]*turn)
		}
		t.of[key] = own
	}
	if own.with > turnsWaiting {
		return nil, false
	}
	own.with++
	return own, true
}

func (t *turns) part(key store.AttemptKey, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.with--; own.with == 0 {
		delete(t.of, key)
	}
}

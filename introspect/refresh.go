package introspect

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// forcedEvery is how often tokens that name unknown keys may make us ask
	// the issuer, however many there are (RS25).
	forcedEvery = 30 * time.Second
	// A request waits at most maxWait for a fetch, and at most maxWaiters do.
	maxWait    = time.Second
	maxWaiters = 100
	// A fetch that failed is tried again after firstRetry, then ever later.
	firstRetry = time.Second
	lastRetry  = time.Minute
)

var errNotYet = errors.New("the issuer has not answered yet")

// refresher runs one task again and again in the background, one run at a
// time. Requests never run it; they may wait a moment for a run, and ask for
// one out of turn.
type refresher struct {
	task     func(ctx context.Context) error
	interval time.Duration
	now      func() time.Time
	wake     chan struct{}

	mu      sync.Mutex
	flight  chan struct{} // closed at the end of the run that goes on or was asked for; nil for none
	err     error         // how the last run ended
	forced  time.Time     // when a run was last asked for out of turn
	waiters int
}

func newRefresher(task func(context.Context) error, interval time.Duration, now func() time.Time) *refresher {
	return &refresher{
		task: task, interval: interval, now: now,
		wake: make(chan struct{}, 1), flight: make(chan struct{}), err: errNotYet,
	}
}

// run goes on until ctx ends.
func (r *refresher) run(ctx context.Context) {
	retry := firstRetry
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
		pause := r.interval
		if r.once(ctx) == nil {
			retry = firstRetry
		} else {
			pause, retry = min(retry, r.interval), min(2*retry, lastRetry)
		}
		timer.Reset(jittered(pause))
	}
}

func (r *refresher) once(ctx context.Context) (err error) {
	r.mu.Lock()
	if r.flight == nil {
		r.flight = make(chan struct{})
	}
	// This run answers a request that came in before it, too.
	select {
	case <-r.wake:
	default:
	}
	r.mu.Unlock()
	defer func() {
		// What an issuer sends must not end the process, whatever it is.
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		r.mu.Lock()
		close(r.flight)
		r.flight, r.err = nil, err
		r.mu.Unlock()
	}()
	return r.task(ctx)
}

// await waits for the run that goes on. If none does and out of turn is asked
// for, it starts one, unless that was done less than forcedEvery ago. It gives
// nil when the last run went well and none goes on: what is not known now is
// not there. Any other answer means that nobody can say.
func (r *refresher) await(ctx context.Context, outOfTurn bool) error {
	r.mu.Lock()
	if now := r.now(); outOfTurn && r.flight == nil && now.Sub(r.forced) >= forcedEvery {
		r.forced = now
		r.flight = make(chan struct{})
		r.wake <- struct{}{}
	}
	if flight := r.flight; flight != nil && r.waiters < maxWaiters {
		r.waiters++
		r.mu.Unlock()
		waitFor(ctx, flight)
		r.mu.Lock()
		r.waiters--
	}
	defer r.mu.Unlock()
	if r.flight != nil {
		return errNotYet
	}
	return r.err
}

func waitFor(ctx context.Context, flight <-chan struct{}) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-flight:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// jittered shortens a pause by up to a tenth, so that many gateways do not ask
// in step and no key lives longer than the pause.
func jittered(pause time.Duration) time.Duration {
	var b [1]byte
	_, _ = rand.Read(b[:])
	return pause - pause/10*time.Duration(b[0])/255
}

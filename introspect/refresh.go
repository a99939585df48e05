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
	// An issuer may ask for runs more often than the settings do, but not for
	// more than one in leastPause.
	leastPause = time.Minute
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
	flight  *flight       // the run that goes on or was asked for; nil for none
	err     error         // how the last run ended
	next    time.Time     // when the next one begins
	sooner  time.Duration // what the last run wants for a pause; 0 for interval
	forced  time.Time     // when a run was last asked for out of turn
	waiters int
}

// flight is one run of the task.
type flight struct {
	began bool
	done  chan struct{} // closed at its end
	err   error         // how it ended
}

func newFlight() *flight { return &flight{done: make(chan struct{})} }

func newRefresher(task func(context.Context) error, interval time.Duration, now func() time.Time) *refresher {
	return &refresher{
		task: task, interval: interval, now: now,
		wake: make(chan struct{}, 1), flight: newFlight(), err: errNotYet,
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
		err := r.once(ctx)
		r.mu.Lock()
		pause := r.interval
		if err != nil {
			pause, retry = min(retry, r.interval), min(2*retry, lastRetry)
		} else {
			retry = firstRetry
			if r.sooner > 0 {
				pause = min(max(r.sooner, leastPause), r.interval)
			}
		}
		pause = jittered(pause)
		r.next = r.now().Add(pause)
		r.mu.Unlock()
		timer.Reset(pause)
	}
}

// within wants the next run so soon after this one; 0 for as usual.
func (r *refresher) within(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sooner = pause
}

func (r *refresher) once(ctx context.Context) (err error) {
	r.mu.Lock()
	if r.flight == nil {
		r.flight = newFlight()
	}
	r.flight.began = true
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
		r.land(err)
	}()
	return r.task(ctx)
}

// land ends the flight, and with it the waiting.
func (r *refresher) land(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if r.flight != nil {
		r.flight.err = err
		close(r.flight.done)
		r.flight = nil
	}
}

// due says whether a run out of turn could be had now.
func (r *refresher) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isDue(r.now())
}

// well says whether the last run succeeded.
func (r *refresher) well() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err == nil
}

func (r *refresher) isDue(now time.Time) bool {
	return r.flight == nil && now.Sub(r.forced) >= forcedEvery
}

// await waits for the run that goes on. If none does and out of turn is asked
// for, it starts one, unless that was done less than forcedEvery ago. It gives
// nil when the last run went well and none goes on: what is not known now is
// not there. Any other answer means that nobody can say.
func (r *refresher) await(ctx context.Context, outOfTurn bool) error {
	r.mu.Lock()
	if now := r.now(); outOfTurn && r.isDue(now) {
		r.forced = now
		r.launch()
	}
	if r.flight != nil && r.waiters < maxWaiters {
		awaited := r.flight
		r.waiters++
		r.mu.Unlock()
		waitFor(ctx, awaited.done)
		r.mu.Lock()
		r.waiters--
	}
	defer r.mu.Unlock()
	if r.flight != nil {
		return errNotYet
	}
	return r.err
}

// launch asks for a run. The caller holds mu, and there is no flight.
func (r *refresher) launch() {
	r.flight = newFlight()
	r.wake <- struct{}{}
}

// runNow has a run that begins after the call, and gives its end. It is for the
// operator: nothing throttles it.
func (r *refresher) runNow(ctx context.Context) error {
	for {
		r.mu.Lock()
		if r.flight == nil {
			r.launch()
		}
		awaited, fresh := r.flight, !r.flight.began
		r.mu.Unlock()
		select {
		case <-awaited.done:
			if fresh && awaited.began {
				return awaited.err
			}
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errNotYet, ctx.Err())
		}
	}
}

// standing says when the task runs next, 0 if not known.
func (r *refresher) standing() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
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

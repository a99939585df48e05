package integration

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pace is how often each caller of a load asks.
const pace = 10 * time.Millisecond

// pressure is load on a cluster: callers that refresh, each with a family of its
// own whose newest answered token it keeps, one that signs in again and again,
// and callers of an API that only needs keys.
type pressure struct {
	t        *testing.T
	families []*family
	cancel   context.CancelFunc
	running  sync.WaitGroup

	calls atomic.Int64 // of the API, all of which must be good

	mu    sync.Mutex
	born  []string // first refresh tokens of families that began meanwhile
	wrong []string
}

// family is what one client was answered.
type family struct {
	refresh string // its one caller's own

	mu sync.Mutex
	// good and faults count answers; last is when the newest good one came.
	good, faults int
	last         time.Time
	took         []time.Duration // to answer each of the faults
}

// press begins to ask the nodes in turn. It ends with the test, or before.
func press(t *testing.T, callers int, nodes ...*node) *pressure {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &pressure{t: t, cancel: cancel}
	t.Cleanup(p.stop)
	for i := range callers {
		f := new(family)
		_, f.refresh = nodes[0].family()
		p.families = append(p.families, f)
		p.running.Go(func() { p.repeat(ctx, func(turn int) { p.rotate(ctx, f, nodes[(i+turn)%len(nodes)]) }) })
	}
	p.running.Go(func() { p.repeat(ctx, func(turn int) { p.begin(ctx, nodes[turn%len(nodes)]) }) })
	token := nodes[0].token()
	for _, n := range nodes {
		p.running.Go(func() { p.repeat(ctx, func(int) { p.call(ctx, n, token) }) })
	}
	return p
}

func (p *pressure) repeat(ctx context.Context, ask func(turn int)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			ask(turn)
		}
	}
}

// stop ends the load.
func (p *pressure) stop() {
	p.cancel()
	p.running.Wait()
}

// rotate refreshes once. Whatever is no answer leaves the client with the token
// that it has, to try again with.
func (p *pressure) rotate(ctx context.Context, f *family, n *node) {
	a := n.refresh(context.WithoutCancel(ctx), f.refresh)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case a.status == http.StatusOK:
		f.refresh = a.text("refresh_token")
		f.good++
		f.last = time.Now()
	case a.status == http.StatusServiceUnavailable && a.retryAfter != "":
		f.faults++
		f.took = append(f.took, a.took)
	default:
		p.note("refresh: %v", a)
	}
}

// begin signs in once more.
func (p *pressure) begin(ctx context.Context, n *node) {
	a := n.form(context.WithoutCancel(ctx), "/access_token", "grant_type", "password", "username", "demo", "password", "Ch4ng31t", "scope", "write")
	switch {
	case a.status == http.StatusOK:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.born = append(p.born, a.text("refresh_token"))
	case a.status != http.StatusServiceUnavailable || a.retryAfter == "":
		p.note("password: %v", a)
	}
}

// call asks the API with a JWT, for which no store is needed.
func (p *pressure) call(ctx context.Context, n *node, token string) {
	a := visit(context.WithoutCancel(ctx), n.api, "Authorization", "Bearer "+token)
	p.calls.Add(1)
	if a.status != http.StatusOK || a.took > maxFault {
		p.note("API: %v", a)
	}
}

func (p *pressure) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// count adds up the answers of all callers.
func (p *pressure) count() (good, faults int) {
	for _, f := range p.families {
		f.mu.Lock()
		good, faults = good+f.good, faults+f.faults
		f.mu.Unlock()
	}
	return good, faults
}

// allSince says whether every caller has had a good answer after a time.
func (p *pressure) allSince(when time.Time) bool {
	return !slices.ContainsFunc(p.families, func(f *family) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.last.Before(when)
	})
}

// anySince says whether some caller has.
func (p *pressure) anySince(when time.Time) bool {
	return slices.ContainsFunc(p.families, func(f *family) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.last.After(when)
	})
}

// flows waits until some more answers are good.
func (p *pressure) flows(more int) {
	p.t.Helper()
	before, _ := p.count()
	within(p.t, 30*time.Second, fmt.Sprintf("%d good answers more", more), func() bool {
		good, _ := p.count()
		return good >= before+more
	})
}

// faulty waits until some more answers say that the store is away.
func (p *pressure) faulty(more int) {
	p.t.Helper()
	_, before := p.count()
	within(p.t, 30*time.Second, fmt.Sprintf("%d faults more", more), func() bool {
		_, faults := p.count()
		return faults >= before+more
	})
}

// settle ends the load and sees that nothing that was answered is lost: the
// newest token of each family works.
func (p *pressure) settle(n *node) {
	p.t.Helper()
	p.stop()
	var took []time.Duration
	answered := p.born
	for _, f := range p.families {
		took = append(took, f.took...)
		answered = append(answered, f.refresh)
	}
	for _, token := range answered {
		if a := n.refresh(p.t.Context(), token); a.status != http.StatusOK {
			p.t.Errorf("an answered refresh token: %v", a)
		}
	}
	slices.Sort(took)
	var slowest time.Duration
	if len(took) > 0 { // a failover may be so quick that nobody notices
		slowest = took[len(took)*99/100]
	}
	if slowest > maxFault {
		p.t.Errorf("one of a hundred faults was answered after more than %s", slowest)
	}
	if len(p.wrong) > 0 {
		p.t.Errorf("%d wrong answers, the first: %s", len(p.wrong), p.wrong[0])
	}
	good, faults := p.count()
	p.t.Logf("%d families that began, %d good answers, %d faults, 99 of 100 within %s; %d calls of the API", len(p.born), good, faults, slowest.Round(time.Millisecond), p.calls.Load())
}

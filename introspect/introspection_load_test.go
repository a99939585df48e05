package introspect_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// gauge counts what runs at a time.
type gauge struct {
	mu            sync.Mutex
	running, most int
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running += n
	g.most = max(g.most, g.running)
}

// vouch makes the endpoint know so many tokens of a kind, and gives them.
func vouch(server *issuer, kind string, n int) []string {
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = fmt.Sprint(kind, i)
		server.tokens[tokens[i]] = active(nil)
	}
	return tokens
}

func TestRS32_ConcurrencyCap(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		known := vouch(server, "known", 80)
		for _, token := range known {
			expect(t, at, token, "ok")
		}
		var calls gauge
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			calls.add(1)
			defer calls.add(-1)
			<-time.After(100 * time.Millisecond)
			return answer(active(nil))(r)
		})
		var herd sync.WaitGroup
		for n := range 240 { // all within the time-out, 48 at a time
			herd.Go(func() { expect(t, at, fmt.Sprint("opaque", n), "ok") })
		}
		herd.Wait()
		if calls.most != 48 {
			t.Errorf("%d calls about strangers' tokens at a time, want 48", calls.most)
		}
		for n := range 240 {
			herd.Go(func() { expect(t, at, fmt.Sprint("more", n), "ok") })
		}
		for _, token := range known {
			herd.Go(func() { expect(t, at, token, "ok") })
		}
		herd.Wait()
		if calls.most != 64 {
			t.Errorf("%d calls at a time, want 64", calls.most)
		}
		server.fault(askPath, hang)
		began := time.Now()
		for n := range 200 { // who finds no place in time does not wait longer
			herd.Go(func() { expect(t, at, fmt.Sprint("late", n), "unavailable") })
		}
		herd.Wait()
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestRS32_CallsThatWaitAreBounded(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.fault(askPath, hang)
		began := time.Now()
		var quick atomic.Int64
		var herd sync.WaitGroup
		for n := range 1000 {
			herd.Go(func() {
				expect(t, at, fmt.Sprint("opaque", n), "unavailable")
				if time.Since(began) == 0 {
					quick.Add(1)
				}
			})
		}
		herd.Wait()
		if quick.Load() != 1000-48-192 {
			t.Errorf("%d were turned away at once, want %d", quick.Load(), 1000-48-192)
		}
	})
}

// A flood of made-up tokens fills every place that strangers may have, at an
// endpoint that is slow. Those who were let in lately still are, without waiting
// for anything but the answer.
func TestF15_AFloodDoesNotKeepOutThoseWhoWereIn(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		known := vouch(server, "known", 10)
		for _, token := range known {
			expect(t, at, token, "ok")
		}
		pass(2 * time.Minute) // any cached answer is too old by now
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			<-time.After(2 * time.Second)
			return answer(active(nil))(r)
		})
		var herd sync.WaitGroup
		for n := range 1000 {
			herd.Go(func() { verdict(t, at, fmt.Sprint("flood", n)) })
		}
		synctest.Wait()
		began := time.Now()
		for _, token := range known {
			herd.Go(func() {
				expect(t, at, token, "ok")
				if waited := time.Since(began); waited != 2*time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		}
		herd.Go(func() { expect(t, at, "stranger", "unavailable") })
		herd.Wait()
	})
}

// A token that was good once and is no longer has no place kept for it.
func TestARevokedTokenIsAStrangerAgain(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.tokens["gone"] = active(nil)
		expect(t, at, "gone", "ok")
		clear(server.tokens)
		expect(t, at, "gone", introspect.ReasonInactive)
		pass(6 * time.Second)
		server.fault(askPath, hang)
		var herd sync.WaitGroup
		for n := range 240 {
			herd.Go(func() { expect(t, at, fmt.Sprint("flood", n), "unavailable") })
		}
		synctest.Wait()
		began := time.Now()
		expect(t, at, "gone", "unavailable")
		if time.Since(began) != 0 {
			t.Error("it found a place")
		}
		herd.Wait()
	})
}

// A call that had to wait for its place has less time for its answer. When that
// is not enough, the crowd is to blame and not the endpoint.
func TestF15_ACrowdDoesNotOpenTheBreaker(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			pause := 2 * time.Second
			select {
			case <-time.After(pause):
				return answer(map[string]any{"active": false})(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		var herd sync.WaitGroup
		for round := range 4 {
			for n := range 48 { // 400 ms apart: some wait and are cut short
				herd.Go(func() { verdict(t, at, fmt.Sprint("crowd", round, "-", n)) })
			}
			pass(400 * time.Millisecond)
		}
		herd.Wait()
		if got := verdict(t, at, "next"); got != introspect.ReasonInactive {
			t.Errorf("after the crowd: %q", got)
		}
	})
}

func TestRS32_F15_Breaker(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.fault(askPath, down)
		for n := range 50 {
			expect(t, at, fmt.Sprint("opaque", n), "unavailable")
		}
		if calls := server.count(askPath); calls != 5 {
			t.Errorf("%d calls before the breaker opened, want 5", calls)
		}
		for range 10 { // half-open: one try a second
			pass(time.Second)
			expect(t, at, "opaque", "unavailable")
			expect(t, at, "opaque", "unavailable")
		}
		if calls := server.count(askPath); calls != 15 {
			t.Errorf("%d calls, want 15", calls)
		}
		server.fault(askPath, hang) // one try, also while that one hangs
		pass(time.Second)
		var herd sync.WaitGroup
		for n := range 50 {
			herd.Go(func() { expect(t, at, fmt.Sprint("hanging", n), "unavailable") })
		}
		herd.Wait()
		if calls := server.count(askPath); calls != 16 {
			t.Errorf("%d calls, want 16", calls)
		}
		server.fault(askPath, nil)
		server.tokens["opaque"] = active(nil)
		expect(t, at, "opaque", "unavailable")
		pass(time.Second)
		expect(t, at, "opaque", "ok")
		for n := range 20 { // closed again
			expect(t, at, fmt.Sprint("gone", n), introspect.ReasonInactive)
		}
	})
}

// An endpoint can make net/http quote our own request in its error.
func TestF30_AnEchoingEndpointPutsNothingOfOursIntoErrors(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			return nil, fmt.Errorf("malformed HTTP response %q, %q", body, r.Header.Get("Authorization"))
		})
		_, err := at.Introspect(t.Context(), introspect.Presented{Token: oauth.NewSecret("canary")})
		var fault *introspect.Unavailable
		if !errors.As(err, &fault) {
			t.Fatalf("got %v", err)
		}
		if text := err.Error(); strings.Contains(text, "canary") || strings.Contains(text, "Basic") {
			t.Errorf("the error shows %s", text)
		}
	})
}

func TestRS32_OddTokensDoNotOpenTheBreakerForOthers(t *testing.T) {
	for status, calls := range map[int]int{400: 50, 404: 50, 422: 50, 401: 5, 403: 5, 429: 5, 500: 5, 503: 5} {
		withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
			server.fault(askPath, respond(status, "application/json", `{}`))
			for n := range 50 {
				expect(t, at, fmt.Sprint("odd", n), "unavailable")
			}
			if got := server.count(askPath); got != calls {
				t.Errorf("status %d: %d calls, want %d", status, got, calls)
			}
		})
	}
}

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
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestRS32_ConcurrencyCap(t *testing.T) {
	withEndpoint(t, nil, func(t *testing.T, at *introspect.Introspector, server *issuer) {
		var mu sync.Mutex
		running, most := 0, 0
		count := func(n int) {
			mu.Lock()
			running += n
			most = max(most, running)
			mu.Unlock()
		}
		server.fault(askPath, func(r *http.Request) (*http.Response, error) {
			count(1)
			defer count(-1)
			<-time.After(100 * time.Millisecond)
			return answer(active(nil))(r)
		})
		var herd sync.WaitGroup
		for n := range 320 { // all within the time-out, 64 at a time
			herd.Go(func() { expect(t, at, fmt.Sprint("opaque", n), "ok") })
		}
		herd.Wait()
		if most != 64 {
			t.Errorf("%d calls at a time, want 64", most)
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
		if quick.Load() != 1000-64-256 {
			t.Errorf("%d were turned away at once, want %d", quick.Load(), 1000-64-256)
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

package caddymodule

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheStoreIsAskedOnceASecondHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probe storeProbe
		pings := 0
		ping := func(context.Context) error { pings++; return nil }
		for range 10 {
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() {
					if err := probe.ask(t.Context(), ping); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			time.Sleep(500 * time.Millisecond) //nolint:forbidigo // the clock of synctest
		}
		if pings != 5 {
			t.Errorf("%d questions in 5 s", pings)
		}
	})
}

// A store that hangs, even one that hears of no deadline, holds up callers for a
// second and one goroutine. What it says in the end is old, and asked again.
func TestAStoreThatHangsHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probe storeProbe
		pings, release := 0, make(chan struct{})
		ping := func(context.Context) error { pings++; <-release; return nil }
		for i, want := range []time.Duration{probeTimeout, 0, 0} {
			began := time.Now()
			if err := probe.ask(t.Context(), ping); !errors.Is(err, errNoAnswer) || time.Since(began) != want {
				t.Errorf("call %d: %v after %s, want %s", i, err, time.Since(began), want)
			}
		}
		close(release)
		synctest.Wait()
		if err := probe.ask(t.Context(), ping); err != nil || pings != 2 {
			t.Errorf("%v after %d questions", err, pings)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		var hung storeProbe
		if err := hung.ask(gone, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err == nil {
			t.Error("a caller that has gone is waited for")
		}
		time.Sleep(2 * probeTimeout) //nolint:forbidigo // the clock of synctest
	})
}

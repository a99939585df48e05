package faults

import (
	"math/rand/v2"
	"testing"
	"time"
)

// longestStart is what a start takes at most, most of the time.
const longestStart = 200 * time.Millisecond

// F1, F32: a process that is killed while it makes its database, its keys and
// whatever else the first start makes, leaves nothing that the next one cannot
// use.
func TestF1_F32_KilledInTheFirstStart(t *testing.T) {
	for engine, storage := range engines {
		for _, place := range []string{"in-migration", "before-commit", "after-commit"} {
			t.Run(engine+" "+place, func(t *testing.T) {
				step := 1
				if place == "in-migration" && number(t, "KILLS", 0) == 0 {
					step = 7 // all of it is one transaction
				}
				kills := 0
				for killInFirstStart(t, storage(t), place, 1+kills*step) {
					kills++
				}
				if kills == 0 {
					t.Errorf("no start passes %s", place)
				}
				t.Logf("%d kills", kills)
			})
		}
		t.Run(engine+" random", func(t *testing.T) {
			for range number(t, "KILLS", 6) {
				w := newWorld(t, storage(t), 0)
				w.killWhileItStarts(t)
				w.startsAfterAll(t)
			}
		})
	}
}

// killInFirstStart says whether a new database is made in so many passings of a
// place that the process could be killed at the nth.
func killInFirstStart(t *testing.T, s storage, place string, nth int) bool {
	t.Helper()
	w := newWorld(t, s, 0)
	w.arm(t, place, nth)
	w.start(t)
	if w.servesOrEnds(t) {
		w.node.kill()
		return false
	}
	w.disarm(t)
	w.startsAfterAll(t)
	return true
}

// killWhileItStarts kills a process at a random moment of its start.
func (w *world) killWhileItStarts(t *testing.T) {
	t.Helper()
	w.start(t)
	moment := time.NewTimer(rand.N(longestStart))
	defer moment.Stop()
	select {
	case <-moment.C:
	case <-w.node.done:
		t.Fatalf("the node ended by itself:\n%s", w.node.lines())
	}
	w.node.kill()
}

// startsAfterAll sees that the next start makes what is missing.
func (w *world) startsAfterAll(t *testing.T) {
	t.Helper()
	w.start(t)
	w.ready(t)
	_, code := w.authorize(w.signIn().text("tokenId"))
	if tokens := w.exchange(code); !tokens.good() || !w.callAPI(tokens.text("access_token")).good() {
		t.Fatalf("status %d: %s", tokens.status, tokens.body)
	}
	w.node.kill()
	w.inspect(t)
}

// servesOrEnds waits until the node serves, or has ended.
func (w *world) servesOrEnds(t *testing.T) (serves bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if w.credentials().good() {
			return true
		}
		select {
		case <-tick.C:
		case <-w.node.done:
			return false
		case <-deadline:
			t.Fatalf("the node neither serves nor ends:\n%s", w.node.lines())
		}
	}
}

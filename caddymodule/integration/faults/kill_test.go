package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// places are where a process is killed: at any moment, and where losing it hurts
// most. The second is how many passings of the place there are in a round.
var places = []struct {
	name     string
	passings int
}{
	{"random", 0}, {"before-commit", 60}, {"after-commit", 60}, {"in-answer", 200},
}

// maxStart is how soon the server answers again after it was killed.
const maxStart = 2 * time.Second

// F1, F2: the process is killed again and again while clients use it, and all
// that they were told holds.
func TestF1_F2_KilledProcessLosesNothing(t *testing.T) {
	for engine, storage := range engines {
		t.Run(engine, func(t *testing.T) {
			killAndCheck(t, newWorld(t, storage(t), 12), number(t, "KILLS", 20))
		})
	}
}

func killAndCheck(t *testing.T, w *world, kills int) {
	t.Helper()
	took := map[string][]time.Duration{}
	w.start(t)
	w.ready(t)
	for i := range kills {
		place := places[i%len(places)]
		w.killUnderLoad(t, place.name, place.passings)
		w.inspect(t)
		w.disarm(t)
		if place.name == "random" {
			w.killWhileItStarts(t)
			w.inspect(t)
		}
		w.start(t)
		took[place.name] = append(took[place.name], w.ready(t))
		w.check()
		w.ledger.settle(t)
	}
	var table strings.Builder
	for _, place := range places {
		times := took[place.name]
		if len(times) == 0 {
			continue
		}
		slices.Sort(times)
		// The longest may be one that the machine was busy in.
		if median := times[len(times)/2]; median > maxStart {
			t.Errorf("%s: ready again after %v, want %v", place.name, median, maxStart)
		}
		fmt.Fprintf(&table, "%s  %-13s  %3d kills, ready again after %v (median), %v (longest)\n", w.storage.engine(), place.name,
			len(times), times[len(times)/2].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond))
	}
	t.Logf("%s\n%s%s", w.ledger, &table, "the store check was clean after every kill")
}

// killUnderLoad lets all clients work until the process has been killed.
func (w *world) killUnderLoad(t *testing.T, place string, passings int) {
	t.Helper()
	reached := w.ledger.acknowledged.after(1 + rand.IntN(400))
	join := w.work()
	if place == "random" {
		await(t, reached, "answers")
		w.node.kill()
	} else {
		w.arm(t, place, 1+rand.IntN(passings))
		if !w.node.gone() {
			t.Errorf("the process did not end at %s", place)
			w.node.kill()
		}
	}
	join()
}

// work has all clients use the server until join is called.
func (w *world) work() (join func()) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, c := range w.clients {
		all.Go(func() { c.work(stop) })
	}
	return func() {
		close(stop)
		all.Wait()
	}
}

func await(t *testing.T, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Errorf("no %s after %v", what, patience)
	}
}

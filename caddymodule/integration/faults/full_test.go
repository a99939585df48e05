package faults

import (
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// F4: on a full disk the server refuses what it cannot write, and says so, and
// does all that needs no writing. With space again it goes on by itself.
func TestF4_FullDisk(t *testing.T) {
	disk := newDisk(t, "32m")
	w := newWorld(t, sqlite{path: filepath.Join(disk.path, "oauth2.db"), root: disk.root}, 12)
	w.start(t, disk.join...)
	w.ready(t)
	w.workUntil(t, w.ledger.acknowledged.after(500), "answers")
	validated := w.keepValidating(t)

	for range number(t, "FILLS", 1) {
		w.fault.Store(unwritable)
		refused := w.ledger.unavailable.after(200)
		join := w.work()
		release := disk.fill(t)
		await(t, refused, "refusals on a full disk")
		awaitHealth(t, w, "gateway", http.StatusOK)
		release()
		freed := time.Now()
		w.writesAgain(t)
		t.Logf("writing again %v after there was space", time.Since(freed).Round(time.Millisecond))
		join()
		w.fault.Store(healthy)
		w.workUntil(t, w.ledger.acknowledged.after(500), "answers")
		w.check()
		w.ledger.settle(t)
	}
	t.Logf("%d validations meanwhile, all good", validated())

	w.node.kill()
	w.inspect(t)
	w.start(t, disk.join...)
	w.ready(t)
	w.check()
	w.ledger.settle(t)
	t.Logf("%s\nthe store check was clean", w.ledger)
}

// workUntil has all clients use the server until an event.
func (w *world) workUntil(t *testing.T, event <-chan struct{}, what string) {
	t.Helper()
	join := w.work()
	await(t, event, what)
	join()
}

// writesAgain waits until a request that writes is answered.
func (w *world) writesAgain(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		a := w.signIn()
		if a.good() {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("nothing is written %v later: status %d: %s", patience, a.status, a.body)
		}
	}
}

// keepValidating calls the API with one token after the other until the result
// is called: every call is good. It says how many there were.
func (w *world) keepValidating(t *testing.T) (stop func() int64) {
	t.Helper()
	token := w.credentials().text("access_token")
	var all sync.WaitGroup
	var done atomic.Bool
	var calls int64
	all.Go(func() {
		for ; !done.Load(); calls++ {
			if a := w.callAPI(token); !a.good() {
				w.ledger.complain(&w.ledger.wrong, "a good token: status %d: %s", a.status, a.body)
			}
		}
	})
	stop = func() int64 {
		done.Store(true)
		all.Wait()
		return calls
	}
	t.Cleanup(func() { stop() })
	return stop
}

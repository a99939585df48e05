package faults

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// F5: one sync to disk fails, and the next would succeed again. Nobody is told
// afterwards that something was written: the operating system may have dropped
// what it could not write. What needs no writing goes on, and a restart mends it.
func TestF5_FailedSync(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("needs strace: apt install strace")
	}
	for _, file := range []struct {
		name, suffix string
		syncs        int // of one thread, before the one that fails
	}{
		{"of a commit", "-wal", 20 + rand.IntN(20)},
		{"when the log is folded", "", 2},
	} {
		t.Run(file.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "oauth2.db")
			w := newWorld(t, sqlite{path: path}, 12)
			w.start(t)
			w.ready(t)
			w.killUnderLoad(t, "random", 0)

			trace := path + ".trace"
			w.start(t, "strace", "-f", "--seccomp-bpf", "-qq", "-ttt", "-o", trace, "-P", path+file.suffix,
				"-e", "trace=fsync,fdatasync", "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d", file.syncs))
			w.ready(t)
			validated := w.keepValidating(t)
			w.fault.Store(unwritable)
			w.workUntil(t, w.ledger.unavailable.after(100), "refusals after a failed sync")
			awaitHealth(t, w, "ready", http.StatusServiceUnavailable)
			awaitHealth(t, w, "gateway", http.StatusOK)
			calls := validated()
			w.node.kill()
			w.fault.Store(healthy)
			failed := injected(t, trace)
			for _, c := range w.clients {
				if c.written.After(failed) {
					t.Errorf("a write is acknowledged that was asked for %v after the failed sync", c.written.Sub(failed))
				}
			}

			w.inspect(t)
			w.start(t)
			w.ready(t)
			w.check()
			w.ledger.settle(t)
			t.Logf("%s\n%d validations meanwhile, all good", w.ledger, calls)
		})
	}
}

// awaitHealth waits for what a load balancer is to be told: the store is asked
// once a second.
func awaitHealth(t *testing.T, w *world, check string, status int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		a := w.health(check)
		if a.status == status {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: status %d, want %d: %s", check, a.status, status, a.body)
		}
	}
}

// injected is when strace made the first call fail.
func injected(t *testing.T, trace string) time.Time {
	t.Helper()
	file, err := os.Open(trace)
	must(t, err)
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), "(INJECTED)") {
			continue
		}
		fields := strings.Fields(lines.Text()) // thread, seconds, call
		seconds, fraction, _ := strings.Cut(fields[1], ".")
		whole, err := strconv.ParseInt(seconds, 10, 64)
		must(t, err)
		micros, err := strconv.ParseInt(fraction, 10, 64)
		must(t, err)
		return time.Unix(whole, micros*1000)
	}
	t.Fatalf("no sync has failed: %v", lines.Err())
	return time.Time{}
}

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// F3: the power fails under load. The file system is shut down below the running
// process, which loses all that was not synced, and is mounted anew as after a
// start of the machine. This is a command: it needs root and loop devices.
func TestF3_PowerCut(t *testing.T) {
	cuts := number(t, "POWERCUTS", 0)
	if cuts == 0 {
		t.Log("a command only: POWERCUTS=50 go test -count=1 -v -timeout 2h -run TestF3_ ./caddymodule/integration/faults, as root")
		return
	}
	m := newMachine(t)
	w := newWorld(t, sqlite{path: filepath.Join(m.mounted, "oauth2.db")}, 12)
	var longest time.Duration
	w.start(t)
	w.ready(t)
	for range cuts {
		reached := w.ledger.acknowledged.after(1 + rand.IntN(400))
		join := w.work()
		await(t, reached, "answers")
		w.fault.Store(unreadable)
		refused := w.ledger.unavailable.after(10)
		m.cutPower(t)
		await(t, refused, "refusals without power")
		join()
		w.node.kill()
		m.remount(t)
		w.fault.Store(healthy)
		w.inspect(t)
		w.start(t)
		longest = max(longest, w.ready(t))
		w.check()
		w.ledger.settle(t)
	}
	t.Logf("SQLite  power cut  %d times, ready again after %v at most: %s\nthe store check was clean after each",
		cuts, longest.Round(time.Millisecond), w.ledger)
}

// F3: the power fails right after the first answer of a new server. Its keys and
// its database are on the disk by then, under their names.
func TestF3_PowerCutAfterTheFirstAnswer(t *testing.T) {
	for range min(10, number(t, "POWERCUTS", 0)) {
		m := newMachine(t)
		w := newWorld(t, sqlite{path: filepath.Join(m.mounted, "var", "lib", "oauth2.db")}, 0)
		w.start(t)
		w.ready(t)
		token := w.credentials().text("access_token")
		m.cutPower(t)
		w.node.kill()
		m.remount(t)
		w.start(t)
		w.ready(t)
		if a := w.callAPI(token); !a.good() {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		w.node.kill()
	}
}

// machine is an ext4 file system in a file.
type machine struct{ image, mounted string }

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{filepath.Join(dir, "image"), filepath.Join(dir, "mounted")}
	must(t, os.Mkdir(m.mounted, 0o700))
	must(t, os.WriteFile(m.image, nil, 0o600))
	must(t, os.Truncate(m.image, 128<<20))
	run(t, "mkfs.ext4", "-q", m.image)
	m.mount(t)
	t.Cleanup(func() { run(t, "umount", m.mounted) })
	return m
}

func (m *machine) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "loop", m.image, m.mounted)
}

// cutPower shuts the file system down: nothing that is not on the disk gets
// there any more, the journal's own memory included.
func (m *machine) cutPower(t *testing.T) {
	t.Helper()
	const (
		shutdown   = 0x8004587d // FS_IOC_SHUTDOWN, the same on all file systems that have it
		noLogFlush = 2          // GOING_DOWN_FLAGS_NOLOGFLUSH
	)
	dir, err := os.Open(m.mounted)
	must(t, err)
	defer func() { _ = dir.Close() }()
	must(t, unix.IoctlSetPointerInt(int(dir.Fd()), shutdown, noLogFlush))
}

// remount is the next start of the machine.
func (m *machine) remount(t *testing.T) {
	t.Helper()
	run(t, "umount", m.mounted)
	m.mount(t)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s: %w: %s (this command needs root and loop devices)", name, err, out))
	}
}

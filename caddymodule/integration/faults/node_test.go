package faults

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// node is one life of the binary.
type node struct {
	cmd     *exec.Cmd
	started time.Time
	// done is closed when every process of the node has gone.
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs the one node of a world, by wrapper when there is one, and does not
// wait until it serves.
func (w *world) start(t *testing.T, wrapper ...string) *node {
	t.Helper()
	n := w.launch(t, w.caddyfile, wrapper...)
	w.transport.CloseIdleConnections()
	w.node = n
	return n
}

// launch runs the binary.
func (w *world) launch(t *testing.T, caddyfile string, wrapper ...string) *node {
	t.Helper()
	binary, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	args := append(wrapper, binary, "run", "--adapter", "caddyfile", "--config", caddyfile)
	n := &node{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{}), started: time.Now()}
	n.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "XDG_DATA_HOME=" + w.home, "XDG_CONFIG_HOME=" + w.home,
		"OAUTH2_FAILPOINT=" + w.failpoint, "TMPDIR=" + w.home,
	}, w.env...)
	// A group of its own, so that a kill takes wrapper and binary at once.
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := n.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go n.read(bufio.NewReader(stderr))
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("log of a node:\n%s", n.lines())
		}
	})
	return n
}

// read collects the log until the last process that can write to it is gone.
func (n *node) read(r *bufio.Reader) {
	defer close(n.done)
	for {
		line, err := r.ReadString('\n')
		n.mu.Lock()
		n.log.WriteString(line)
		n.mu.Unlock()
		if err != nil {
			_ = n.cmd.Wait()
			return
		}
	}
}

// lines are the last lines of the log, each in part.
func (n *node) lines() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := strings.Split(n.log.String(), "\n")
	all = all[max(0, len(all)-20):]
	for i, line := range all {
		all[i] = line[:min(len(line), 300)] // stacks are long
	}
	return strings.Join(all, "\n")
}

// kill is kill -9, of the whole group, and waits until it is gone.
func (n *node) kill() {
	select {
	case <-n.done:
		return
	default:
	}
	_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL)
	<-n.done
}

// gone waits a while for the end of the node.
func (n *node) gone() bool {
	select {
	case <-n.done:
		return true
	case <-time.After(patience):
		return false
	}
}

// ready waits until the node issues a token and says how long that took from
// its start.
func (w *world) ready(t *testing.T) time.Duration {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		a := w.credentials()
		if a.good() {
			return time.Since(w.node.started)
		}
		select {
		case <-tick.C:
		case <-w.node.done:
			t.Fatalf("the node ended by itself:\n%s", w.node.lines())
		case <-deadline:
			t.Fatalf("the node does not serve after %v: status %d: %s\n%s", patience, a.status, a.body, w.node.lines())
		}
	}
}

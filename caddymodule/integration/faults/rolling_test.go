package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/caddymodule/integration/balancer"
)

const (
	shutdownDelay = time.Second
	gracePeriod   = 10 * time.Second
)

// nodeCaddyfile is that of one of many nodes: all on one port, behind a balancer
// whose address is the issuer's.
const nodeCaddyfile = `{
	admin off
	shutdown_delay %s
	grace_period %s
	default_bind 127.0.0.1
	%s
}

http://:%d {
	oauth2_health /readyz ready
	oauth2_server
	bearer_auth {
		realm /
		audience %s
	}
	respond ok
}
`

// F17: two nodes on one database are restarted in turn while clients with a record
// use both, over connections that are kept. No request fails, and nothing that was
// answered is lost.
func TestF17_ARollingRestartLosesNothing(t *testing.T) {
	rounds := number(t, "ROLLS", 4)
	front := balancer.New(t)
	w := newWorld(t, newPostgres(t), 12)
	w.spread = 2 * time.Second // a second, on a machine with no other work
	w.auth, w.api = front.URL, front.URL+"/api"
	ports := freePorts(t, 2)
	nodes, run, hosts := make([]*node, len(ports)), make([]func() *node, len(ports)), make([]string, len(ports))
	for i, port := range ports {
		path := filepath.Join(w.home, fmt.Sprintf("Caddyfile.%d", i))
		must(t, os.WriteFile(path, fmt.Appendf(nil, nodeCaddyfile, shutdownDelay, gracePeriod, w.option(), port, w.api), 0o600))
		run[i] = func() *node { return w.launch(t, path) }
		hosts[i] = fmt.Sprintf("127.0.0.1:%d", port)
		nodes[i] = run[i]()
	}
	front.Use(hosts...)
	w.node = nodes[0]
	for i := range nodes {
		front.Until(t, i, true)
	}

	join := w.work()
	var longest time.Duration
	for round := range rounds {
		i := round % len(nodes)
		// Both have work, and the one that stays has it alone for a while.
		w.flows(t, 300)
		began := time.Now()
		must(t, syscall.Kill(nodes[i].cmd.Process.Pid, syscall.SIGTERM))
		if !nodes[i].gone() {
			t.Fatalf("round %d: the node does not end", round)
		}
		longest = max(longest, time.Since(began))
		front.Until(t, i, false)
		w.flows(t, 100)
		nodes[i] = run[i]()
		front.Until(t, i, true)
	}
	join()
	w.check()
	for _, n := range nodes {
		must(t, syscall.Kill(n.cmd.Process.Pid, syscall.SIGTERM))
		if !n.gone() {
			t.Fatal("a node does not end")
		}
	}
	w.inspect(t)
	w.ledger.settle(t)
	if cut := w.ledger.cut.n.Load(); cut > 0 {
		t.Errorf("%d answers were cut off", cut)
	}
	if most := shutdownDelay + gracePeriod + time.Second; longest > most {
		t.Errorf("a node took %s to end, more than %s", longest, most)
	}
	t.Logf("%d restarts of two nodes, each ended within %s\n%s", rounds, longest.Round(time.Millisecond), w.ledger)
}

// flows waits until that many more answers are acknowledged, while clients work.
func (w *world) flows(t *testing.T, more int64) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	goal := w.ledger.acknowledged.n.Load() + more
	for deadline := time.Now().Add(patience); w.ledger.acknowledged.n.Load() < goal; <-tick.C {
		if time.Now().After(deadline) || w.ledger.broken() > 0 {
			w.ledger.settle(t)
			t.Fatalf("no %d answers within %v", more, patience)
		}
	}
}

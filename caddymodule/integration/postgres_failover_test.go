package integration

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// maxFailover is how soon all is well after a standby has become the primary.
const maxFailover = 10 * time.Second

// F8: the primary dies under load and its standby takes over. With synchronous
// replication no token that was answered is lost.
func TestF8_Failover(t *testing.T) {
	primary := pgtest.New(t, pgtest.Options{NoSync: true})
	if err := primary.Exec(t.Context(), "postgres", "CREATE DATABASE oauth2"); err != nil {
		t.Fatal(err)
	}
	standby := primary.Standby(t)
	n := newCluster(t, pgtest.Hosts("oauth2", primary, standby)).node()
	n.ready(maxRecovery)
	p := press(t, 6, n)
	for range faultRounds(2) {
		if err := primary.WaitForStandby(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.flows(50)
		primary.Kill()
		if err := standby.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		t.Logf("all well after %s", within(t, maxFailover, "well again", func() bool { return p.allSince(back) }))
		p.flows(50)
		if err := primary.Follow(t.Context(), standby); err != nil {
			t.Fatal(err)
		}
		primary, standby = standby, primary
	}
	p.settle(n)
}

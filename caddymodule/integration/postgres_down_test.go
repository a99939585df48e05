package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// F7: PostgreSQL is killed under load, with all its processes, and comes back.
// Refreshing is 503 meanwhile and works again by itself, JWTs are good all the
// while, and no token that was answered is lost.
func TestF7_PostgresDiesUnderLoad(t *testing.T) {
	db := pgtest.New(t, pgtest.Options{NoSync: true})
	c := newCluster(t, db.Database(t))
	n := c.node()
	p := press(t, 6, n)
	p.flows(50)
	for range faultRounds(3) {
		db.Kill()
		p.faulty(10)
		if err := db.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		t.Logf("all well after %s", within(t, maxRecovery, "well again", func() bool { return p.allSince(back) }))
		p.flows(50)
	}
	p.settle(n)
}

// F7: what needs the store is 503, says when to come back, soon, and never blames
// the client. What does not need it goes on.
func TestF7_WithoutTheStore(t *testing.T) {
	db := pgtest.New(t, pgtest.Options{NoSync: true})
	c := newCluster(t, db.Database(t))
	n := c.node()
	access, refresh := n.family()
	code := n.code()
	key := newSigner(t)
	bound := n.bound(key)
	ctx := t.Context()
	proven := func() answer { return n.proven(bound, key.proof(http.MethodGet, "https://api.test/", bound)) }
	if a := proven(); a.status != http.StatusOK {
		t.Fatalf("with a proof: %v", a)
	}
	db.Kill()
	for what, ask := range map[string]func() answer{
		"refresh": func() answer { return n.refresh(ctx, refresh) },
		"code":    func() answer { return n.redeem(code) },
		"password": func() answer {
			return n.form(ctx, "/access_token", "grant_type", "password", "username", "demo", "password", "Ch4ng31t", "scope", "write")
		},
		"introspection of a refresh token": func() answer { return n.form(ctx, "/introspect", "token", refresh) },
		"revocation":                       func() answer { return n.form(ctx, "/token/revoke", "token", access) },
		"revocation of a refresh token":    func() answer { return n.form(ctx, "/token/revoke", "token", refresh) },
		"DPoP proof":                       proven,
	} {
		wantUnavailable(t, what, ask())
	}
	if status, body := tellAdmin(t, n.admin, "/oauth2/deny", map[string]string{"jti": "x"}); status != http.StatusServiceUnavailable {
		t.Errorf("the deny-list: status %d: %s", status, body)
	}
	for what, address := range map[string]string{"JWT of the realm": n.api, "foreign JWT": n.foreign} {
		token := access
		if address == n.foreign {
			token = c.foreign.token(nil)
		}
		if a := visit(ctx, address, "Authorization", "Bearer "+token); a.status != http.StatusOK {
			t.Errorf("%s: %v", what, a)
		}
	}
	if a := visit(ctx, n.auth+"/connect/jwk_uri"); a.status != http.StatusOK {
		t.Errorf("key set: %v", a)
	}
	// The metrics say so, and since when nothing was heard of other nodes.
	const changes = "caddy_oauth2_store_changes_read_timestamp_seconds"
	known := gauge(t, n.admin, changes)
	within(t, 15*time.Second, "told by the metrics", func() bool { return gauge(t, n.admin, "caddy_oauth2_store_ready") == 0 })
	if now := gauge(t, n.admin, changes); known == 0 || now != known {
		t.Errorf("changes were read at %v, then at %v", known, now)
	}
	if faults := gauge(t, n.admin, `caddy_oauth2_store_errors_total{kind="unreachable"}`); faults == 0 {
		t.Error("no fault was counted")
	}

	if err := db.Start(ctx); err != nil {
		t.Fatal(err)
	}
	within(t, maxRecovery, "well again", func() bool { return n.redeem(code).status == http.StatusOK })
	if a := n.refresh(ctx, refresh); a.status != http.StatusOK {
		t.Errorf("refresh: %v", a)
	}
	if a := proven(); a.status != http.StatusOK {
		t.Errorf("with a proof: %v", a)
	}
}

// F9: a table that is locked makes refreshing fail fast, piles nothing up, and
// all is well soon after.
func TestF9_ALockedTable(t *testing.T) {
	db := pgtest.New(t, pgtest.Options{NoSync: true})
	c := newCluster(t, db.Database(t))
	c.lines = "max_connections 8"
	n := c.node()
	p := press(t, 32, n)
	p.flows(100)
	goroutines := gauge(t, n.admin, "go_goroutines")

	unlock := lockTable(t, c.dsn, "grants")
	began := time.Now()
	most, waiting := 0.0, 0.0
	within(t, lockLasts+10*time.Second, "over", func() bool {
		most = max(most, gauge(t, n.admin, "go_goroutines"))
		waiting = max(waiting, gauge(t, n.admin, "caddy_oauth2_store_waiting"))
		return time.Since(began) > lockLasts
	})
	unlock()
	back := time.Now()
	first := within(t, 2*time.Second, "answering again", func() bool { return p.anySince(back) })
	all := within(t, maxRecovery, "well again", func() bool { return p.allSince(back) })
	t.Logf("an answer after %s, all well after %s; %v goroutines became %v, up to %v waited", first, first+all, goroutines, most, waiting)
	if most > goroutines+4*8 {
		t.Errorf("%v goroutines became %v", goroutines, most)
	}
	if most := gauge(t, n.admin, "caddy_oauth2_store_max_connections"); waiting == 0 || most != 8 {
		t.Errorf("the metrics say that %v waited for %v connections", waiting, most)
	}
	p.flows(100)
	if _, faults := p.count(); faults == 0 {
		t.Error("the lock hurt nobody")
	}
	p.settle(n)
}

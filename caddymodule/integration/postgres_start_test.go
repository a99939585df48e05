package integration

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// F6: with PostgreSQL down a node starts, its gateway serves, its server says 503,
// and is ready by itself when PostgreSQL is.
func TestF6_StartsWithoutPostgres(t *testing.T) {
	db := pgtest.New(t, pgtest.Options{NoSync: true})
	c := newCluster(t, db.Database(t)+" password=hunter2")
	db.Kill()
	began := time.Now()
	n := c.node()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the start took %s", took)
	}
	for what, a := range map[string]answer{
		"token endpoint": n.form(t.Context(), "/access_token", machine...),
		"key set":        visit(t.Context(), n.auth+"/connect/jwk_uri"),
		"API of a realm": visit(t.Context(), n.api, "Authorization", "Bearer "+c.foreign.token(map[string]any{"iss": c.issuer()})),
	} {
		wantUnavailable(t, what, a)
	}
	within(t, maxRecovery, "serving the foreign issuer's tokens", func() bool {
		return visit(t.Context(), n.foreign, "Authorization", "Bearer "+c.foreign.token(nil)).status == http.StatusOK
	})
	if !load(t, n.admin, n.caddyfile) {
		t.Error("a reload while PostgreSQL is down failed")
	}
	if ready := gauge(t, n.admin, "caddy_oauth2_store_ready"); ready != 0 {
		t.Errorf("ready is %v", ready)
	}

	if err := db.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("ready %s after PostgreSQL", n.ready(maxRecovery))
	if a := visit(t.Context(), n.api, "Authorization", "Bearer "+n.token()); a.status != http.StatusOK {
		t.Errorf("the API of the realm: %v", a)
	}
	if ready := gauge(t, n.admin, "caddy_oauth2_store_ready"); ready != 1 {
		t.Errorf("ready is %v", ready)
	}
	log := n.output()
	// Once for each of the two configurations.
	if failed := strings.Count(log, "cannot open the store"); failed != 2 {
		t.Errorf("%d lines say that the store cannot be opened", failed)
	}
	if strings.Contains(log, "hunter2") {
		t.Error("the password of the DSN is in the log")
	}
}

// A DSN or key that is wrong is mended by a reload.
func TestF6_AReloadMendsTheDSN(t *testing.T) {
	dsn := pgtest.Database(t)
	c := newCluster(t, "postgres://oauth2:hunter2@"+closedPort(t)+"/oauth2")
	n := c.node()
	wantUnavailable(t, "token endpoint", n.form(t.Context(), "/access_token", machine...))
	if !load(t, n.admin, strings.Replace(n.caddyfile, "{env.DATABASE_URL}", "`"+dsn+"`", 1)) {
		t.Fatal("the reload failed")
	}
	n.ready(maxRecovery)
	if !load(t, n.admin, n.caddyfile) {
		t.Fatal("the reload failed")
	}
	// Caddy closes the listener of before in the background: what it had accepted
	// is cut off, or answered once more by the configuration of before.
	within(t, maxRecovery, "unavailable again", func() bool {
		return n.form(t.Context(), "/access_token", machine...).status == http.StatusServiceUnavailable
	})
	wantUnavailable(t, "token endpoint", n.form(t.Context(), "/access_token", machine...))
	if strings.Contains(n.output(), "hunter2") {
		t.Error("the password of the DSN is in the log")
	}
}

// A node with another key than the others' says so and how to mend it.
func TestANodeWithAnotherKey(t *testing.T) {
	c := newCluster(t, pgtest.Database(t))
	c.node().ready(maxRecovery)
	c.key = strings.Replace(c.key, "M", "N", 1)
	n := c.node()
	wantUnavailable(t, "token endpoint", n.form(t.Context(), "/access_token", machine...))
	within(t, maxRecovery, "said", func() bool { return strings.Contains(n.output(), "the encryption key is not the one") })
}

// F24: a herd that waits for a node is served once it is ready.
func TestF24_AHerdAfterAColdStart(t *testing.T) {
	c := newCluster(t, pgtest.Database(t))
	seed := c.node()
	refresh := make([]string, 4)
	for i := range refresh {
		_, refresh[i] = seed.family()
	}
	n := c.node()
	n.ready(maxRecovery)
	var herd sync.WaitGroup
	for i := range 500 {
		herd.Go(func() {
			form := machine
			if i%10 == 0 {
				form = []string{"grant_type", "refresh_token", "refresh_token", refresh[i/10%len(refresh)]}
			}
			if a := n.form(t.Context(), "/access_token", form...); a.status != http.StatusOK {
				t.Errorf("%s: %v", form[1], a)
			}
		})
	}
	herd.Wait()
}

package caddymodule

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const awayKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// awayWorld is a world whose storage other nodes share, and which is away.
func awayWorld(t *testing.T) world {
	w := newWorld(t)
	t.Setenv("AWAY_KEY", awayKey)
	remote.tries.Store(0)
	setAway(errAway, nil)
	return w
}

// awayConfig is config with that storage, by a name.
func (w world) awayConfig(name, lines string) []byte {
	w.t.Helper()
	text := string(w.config("a", "encryption_key {env.AWAY_KEY}\n"+lines))
	return []byte(strings.Replace(text, `"module":"sqlite"`, `"module":"unreachable","name":"`+name+`"`, 1))
}

// until waits for a condition.
func until(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	deadline, tick := time.NewTimer(limit), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s: not %s", limit, what)
		case <-tick.C:
		}
	}
}

// F6: with the database down Caddy starts; what needs it is 503 until it is
// there, without a reload. The log says so once.
func TestF6_StartsWithTheStoreAway(t *testing.T) {
	w := awayWorld(t)
	began := time.Now()
	app := w.load(w.awayConfig("", ""))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the start took %s", took)
	}
	answer, _ := ask(t, app, post("/oauth2/access_token", nil))
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "2" {
		t.Errorf("status %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	issuer, err := app.realmIssuer("/")
	if err != nil {
		t.Fatal(err)
	}
	_, err = introspectText(t, issuer, "x.y.z")
	if unknown := new(introspect.Unavailable); !errors.As(err, &unknown) || unknown.RetryAfter <= 0 {
		t.Errorf("a token of the realm: %v", err)
	}
	until(t, "tried again", 5*time.Second, func() bool { return remote.tries.Load() > 2 })
	setAway(nil, nil)
	until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
	tokenFor(t, app, "/oauth2", "a")
	w.stop()
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"cannot open the store", "the store is there; serving"} {
		if n := strings.Count(string(log), line); n != 1 {
			t.Errorf("%d lines %q:\n%s", n, line, log)
		}
	}
}

// A store that does not answer at all holds up the first start for a moment, and
// requests and reloads not at all.
func TestF6_AStoreThatHangsHoldsUpNobody(t *testing.T) {
	w := awayWorld(t)
	hang := make(chan struct{})
	setAway(nil, hang)
	began := time.Now()
	app := w.load(w.awayConfig("", ""))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the start took %s", took)
	}
	began = time.Now()
	var asking sync.WaitGroup
	for range 200 {
		asking.Go(func() {
			if answer, _ := ask(t, app, post("/oauth2/access_token", nil)); answer.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("status %d", answer.StatusCode)
			}
		})
	}
	asking.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("200 requests took %s", took)
	}
	close(hang)
	until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
}

// F6: reloads while the store is away wait for nothing and leave nothing behind,
// and the last one serves.
func TestF6_ReloadsWhileTheStoreIsAway(t *testing.T) {
	w := awayWorld(t)
	w.load(w.awayConfig("", ""))
	before := runtime.NumGoroutine()
	began := time.Now()
	for range 10 {
		w.load(w.awayConfig("", ""))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("10 reloads took %s", took)
	}
	until(t, "rid of the old configurations' goroutines", 5*time.Second, func() bool { return runtime.NumGoroutine() <= before+5 })
	app := w.running()
	setAway(nil, nil)
	until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
	tokenFor(t, app, "/oauth2", "a")
}

// A reload mends what was wrong with the storage's settings or with the key.
func TestReloadMendsAStorageThatCannotBeOpened(t *testing.T) {
	for name, mend := range map[string]func(w world) []byte{
		"another resource": func(w world) []byte { return w.awayConfig("right", "") },
		"the same":         func(w world) []byte { return w.awayConfig("", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := awayWorld(t)
			old := w.load(w.awayConfig("", ""))
			setAway(nil, nil)
			app := w.load(mend(w))
			until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
			tokenFor(t, app, "/oauth2", "a")
			if name == "the same" && app.backend != old.backend {
				t.Error("the pool was not shared")
			}
		})
	}
}

// Another key than the database's is said in words that mend it, is 503 and no
// failed load, and the right one works with the next reload.
func TestWrongKeyOfASharedStore(t *testing.T) {
	const wrongKey = "the encryption key is not the one that this database's private keys were wrapped with"
	w := awayWorld(t)
	said := func() int {
		log, err := os.ReadFile(filepath.Join(w.dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(log), wrongKey)
	}
	setAway(nil, nil)
	app := w.load(w.awayConfig("", ""))
	tokenFor(t, app, "/oauth2", "a")
	w.stop()
	t.Setenv("AWAY_KEY", "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	app = w.load(w.awayConfig("", ""))
	// A request that comes while the start still tries is told without a try of its
	// own, and the reload below ends what has not been said by then.
	until(t, "told of the wrong key", 5*time.Second, func() bool { return said() > 0 })
	if answer, _ := ask(t, app, post("/oauth2/access_token", nil)); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", answer.StatusCode)
	}
	t.Setenv("AWAY_KEY", awayKey)
	app = w.load(w.awayConfig("", ""))
	until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
	tokenFor(t, app, "/oauth2", "a")
	w.stop()
	if n := said(); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
}

// All nodes need one key, so that none can make its own.
func TestASharedStoreNeedsAKey(t *testing.T) {
	w := newWorld(t)
	w.mustFail([]byte(strings.Replace(string(w.config("a", "")), `"module":"sqlite"`, `"module":"unreachable"`, 1)), "openssl rand -base64 32")
}

// A store that has opened and then fails while the realms' keys are made turns
// requests away at once: the background goes on.
func TestNobodyWaitsForAServerThatCannotBeMade(t *testing.T) {
	w := awayWorld(t)
	setAway(nil, nil)
	app := w.load(w.awayConfig("", ""))
	again := &App{ctx: app.ctx, log: app.log, config: app.config, storage: app.storage, key: app.key, backend: app.backend, building: newLock()}
	again.stuck.Store(true)
	if again.serving(t.Context()) != nil {
		t.Error("a request has made the server")
	}
	tried := make(chan struct{})
	go again.persist(tried)
	<-tried
	if again.serving(t.Context()) == nil {
		t.Error("the background has not made the server")
	}
}

// What was closed is not opened again behind the back of its configuration.
func TestAClosedBackendIsNotOpened(t *testing.T) {
	p := newPooledBackend("test")
	p.drain(drainTimeout)
	if _, err := p.open(t.Context(), new(awayStorage), nil, nil); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

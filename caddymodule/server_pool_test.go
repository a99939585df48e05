package caddymodule

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestDrainWaitsForRequests(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	if !app.backend.acquire() {
		t.Fatal("the backend is closed")
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := app.backend.store.Ping(t.Context()); err != nil {
		t.Errorf("the store is closed under a request: %v", err)
	}
	app.backend.release()
	backends.draining.Wait()
	if err := app.backend.store.Ping(t.Context()); err == nil {
		t.Error("the store is still open")
	}
}

// A configuration that comes while the store drains takes it over.
func TestLoadWhileDraining(t *testing.T) {
	w := newWorld(t)
	before := w.load(w.config("a", ""))
	opened := before.backend.backend.Load()
	if !before.backend.acquire() {
		t.Fatal("the backend is closed")
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	after := w.load(w.config("a", ""))
	before.backend.release()
	backends.draining.Wait()
	if after.backend.backend.Load() != opened {
		t.Error("the store was opened again")
	}
	tokenFor(t, after, "/oauth2", "a")
}

// While a request runs, others of the old configuration still can.
func TestDrainAdmitsUntilTheLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPooledBackend("test")
		first := p.acquire()
		go p.drain(drainTimeout)
		synctest.Wait()
		if second := p.acquire(); !first || !second {
			t.Error("a request was turned away")
		}
		p.release()
		synctest.Wait()
		if p.closed.Load() {
			t.Error("closed under a request")
		}
		p.release()
		synctest.Wait()
		if !p.closed.Load() || p.acquire() {
			t.Error("not closed after the last request")
		}
	})
}

// What was not taken is not given back, and nothing twice.
func TestCleanupGivesBackOnce(t *testing.T) {
	w := newWorld(t)
	app := w.load(w.config("a", ""))
	p, err := usePool(app.backend.resource)
	if err != nil {
		t.Fatal(err)
	}
	other := &App{backend: p, acquired: true}
	for range 3 {
		if err := errors.Join(other.Cleanup(), new(App).Cleanup()); err != nil {
			t.Error(err)
		}
	}
	if n := w.references(); n != 1 {
		t.Errorf("%d configurations use the store", n)
	}
	tokenFor(t, app, "/oauth2", "a")
}

func TestDrainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPooledBackend("test")
		p.users.Add(1) // a request that never ends
		began := time.Now()
		p.drain(drainTimeout)
		if took := time.Since(began); took != drainTimeout || !p.closed.Load() {
			t.Errorf("closed %v after %s", p.closed.Load(), took)
		}
		if p.acquire() {
			t.Error("a closed backend can be acquired")
		}
	})
}

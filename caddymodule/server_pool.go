package caddymodule

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	// drainTimeout is how long requests may still use a store that no
	// configuration refers to any more.
	drainTimeout = 10 * time.Second
	// exitTimeout is the same when the process exits: Caddy has waited for the
	// requests already, as long as its grace_period says.
	exitTimeout = 500 * time.Millisecond
)

// backendPool counts, for each resource, the configurations that use it.
var backendPool = caddy.NewUsagePool()

// backends holds every pooledBackend that is not closed. One whose last
// configuration is gone stays here while it drains, so that a configuration
// which comes meanwhile takes it over instead of finding the file locked.
var backends = struct {
	sync.Mutex
	open     map[string]*pooledBackend
	made     int
	draining sync.WaitGroup
}{open: map[string]*pooledBackend{}}

func init() {
	// Caddy exits right after the last Cleanup; stores are closed before.
	caddy.OnExit(func(context.Context) { backends.draining.Wait() })
}

// pooledBackend is an authserver.Backend that configurations share. It is made
// without any I/O when a configuration is provisioned and opened when the first
// one starts.
type pooledBackend struct {
	resource string
	// claims are the entries of backendPool for it: one, or none while it drains.
	// Guarded by backends.
	claims int
	// made counts up with each one that is made.
	made int

	opening lock
	failing atomic.Bool                        // the last attempt to open it failed
	backend atomic.Pointer[authserver.Backend] // nil until open
	store   store.Store
	// denied is not ready before the store is open.
	denied  *introspect.DenyList
	key     string // check value of the configured key, "" for none
	stop    context.CancelFunc
	stopped chan struct{}
	probe   storeProbe

	users  atomic.Int64
	idle   chan struct{} // told when users falls to 0
	closed atomic.Bool
}

func newPooledBackend(resource string) *pooledBackend {
	return &pooledBackend{
		resource: resource, opening: newLock(), idle: make(chan struct{}, 1), denied: introspect.NewDenyList(time.Now),
	}
}

// usePool adds one use of a resource. Each is ended by one backendPool.Delete.
func usePool(resource string) (*pooledBackend, error) {
	value, _, err := backendPool.LoadOrNew(resource, func() (caddy.Destructor, error) {
		backends.Lock()
		defer backends.Unlock()
		p, ok := backends.open[resource]
		if !ok {
			p = newPooledBackend(resource)
			backends.made++
			p.made = backends.made
			backends.open[resource] = p
		}
		p.claims++
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*pooledBackend), nil
}

// acquire keeps the backend open until release. It is false when it is closed.
func (p *pooledBackend) acquire() bool {
	p.users.Add(1)
	if p.closed.Load() {
		p.release()
		return false
	}
	return true
}

func (p *pooledBackend) release() {
	if p.users.Add(-1) == 0 {
		select {
		case p.idle <- struct{}{}:
		default:
		}
	}
}

// Destruct ends the last use. Requests of the old configuration may still run:
// Caddy cleans up without waiting for them.
func (p *pooledBackend) Destruct() error {
	backends.Lock()
	p.claims--
	backends.Unlock()
	timeout := drainTimeout
	if caddy.Exiting() {
		timeout = exitTimeout
	}
	backends.draining.Add(1)
	go func() {
		defer backends.draining.Done()
		p.drain(timeout)
	}()
	return nil
}

// drain waits for the last request and closes, unless a new configuration has
// taken the backend over meanwhile.
func (p *pooledBackend) drain(timeout time.Duration) {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	late := p.await(deadline.C)

	backends.Lock()
	defer backends.Unlock()
	if p.claims > 0 || p.closed.Swap(true) {
		return
	}
	// From here on acquire fails. Whoever was quicker is waited for.
	if !late {
		p.await(deadline.C)
	}
	p.close()
	delete(backends.open, p.resource)
}

// await waits until nobody uses the backend; late says that it gave up.
func (p *pooledBackend) await(deadline <-chan time.Time) (late bool) {
	for p.users.Load() > 0 {
		select {
		case <-p.idle:
		case <-deadline:
			return true
		}
	}
	return false
}

// close waits for an attempt to open it that still runs: its configuration has
// ended, and with it the attempt.
func (p *pooledBackend) close() {
	p.opening <- struct{}{}
	defer p.opening.unlock()
	if p.backend.Load() == nil {
		return
	}
	p.stop()
	<-p.stopped
	if err := p.store.Close(); err != nil {
		slog.New(activeLog{}).Error("closing the store", "storage", p.resource, "error", err)
	}
}

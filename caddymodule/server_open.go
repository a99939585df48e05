package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
)

var errClosed = errors.New("no configuration uses the store any more")

// lock is a mutex that nobody waits for longer than a context.
type lock chan struct{}

func newLock() lock { return make(lock, 1) }

func (l lock) lock(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lock) unlock() { <-l }

// open gives the backend, and opens it when it is not yet. A key that differs
// from the one it was opened with is used beside it.
func (p *pooledBackend) open(ctx context.Context, storage Storage, key *keys.Wrapper, log *slog.Logger) (*authserver.Backend, error) {
	if err := p.opening.lock(ctx); err != nil {
		return nil, err
	}
	defer p.opening.unlock()
	configured := ""
	if key != nil {
		configured = key.CheckValue()
	}
	if backend := p.backend.Load(); backend != nil {
		if configured != p.key {
			p.changeKey(ctx, backend, key, log)
		}
		return backend, nil
	}
	if p.closed.Load() {
		return nil, errClosed
	}
	backend, err := p.openStore(ctx, storage, key)
	if p.failing.Store(err != nil); err != nil {
		return nil, err
	}
	p.key = configured
	running, stop := context.WithCancel(context.Background())
	p.stop, p.stopped = stop, make(chan struct{})
	go func() {
		defer close(p.stopped)
		backend.Run(running)
	}()
	p.backend.Store(backend)
	log.Info("opened the store", "storage", p.resource)
	return backend, nil
}

// changeKey lets a new encryption key be the configured one. The one so far still
// wraps, until the keys are rewrapped.
func (p *pooledBackend) changeKey(ctx context.Context, backend *authserver.Backend, key *keys.Wrapper, log *slog.Logger) {
	if key == nil {
		log.Warn("encryption_key has gone from the configuration, but the store is open and goes on with it; it is missing after a restart", "storage", p.resource)
		return
	}
	if err := backend.UseEncryptionKey(ctx, key); err != nil {
		log.Error("encryption_key has changed, but the store is open and goes on with the old one", "storage", p.resource, "error", err)
		return
	}
	p.key = key.CheckValue()
	log.Warn("encryption_key has changed: both are used until the private keys are wrapped with the new one; "+
		"when every node has it, run: caddy oauth2-keys rewrap", "storage", p.resource)
}

// openStore opens the store and reads what must be known before first use.
func (p *pooledBackend) openStore(ctx context.Context, storage Storage, key *keys.Wrapper) (*authserver.Backend, error) {
	st, used, err := storage.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	backend, err := authserver.OpenBackend(ctx, st, used, hasher(), slog.New(activeLog{}), time.Now)
	if err == nil {
		err = followDenials(ctx, backend, p.denied)
	}
	if err != nil {
		_ = st.Close() // what is wrong has been said
		return nil, fmt.Errorf("%s: %w", p.resource, err)
	}
	p.store = st
	return backend, nil
}

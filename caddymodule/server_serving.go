package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
)

// startTimeout bounds how long opening the store and making missing keys may
// hold up a start.
const startTimeout = 10 * time.Second

// retryAfter is what a caller is told to wait for what will pass soon.
const retryAfter = 2 * time.Second

var errNotReady = errors.New("the oauth2 app has not opened its store yet")

// needBackend says that a feature needs the store. A gateway without realms opens
// none until something does. Modules call it when they are provisioned.
func (a *App) needBackend() error {
	if a.backend != nil {
		return nil
	}
	backend, err := usePool(a.storage.Resource())
	a.backend, a.acquired = backend, err == nil
	return err
}

// liveBackend gives the open backend and what ends its use; it is an error while
// the store is not open. It is for the features that said needBackend.
func (a *App) liveBackend(ctx context.Context) (*authserver.Backend, func(), error) {
	if a.serving(ctx) == nil || !a.backend.acquire() {
		return nil, nil, errNotReady
	}
	return a.backend.backend.Load(), a.backend.release, nil
}

// build opens the backend and makes the server of this configuration, once.
func (a *App) build(ctx context.Context) (*authserver.Server, error) {
	a.building.Lock()
	defer a.building.Unlock()
	if server := a.server.Load(); server != nil {
		return server, nil
	}
	backend, err := a.backend.open(ctx, a.storage, a.key, a.log)
	if err != nil {
		return nil, err
	}
	server, err := authserver.New(ctx, a.config, backend, authserver.Options{Observer: a.observer, Audit: a.auditor, Log: a.log, Now: time.Now})
	if err != nil {
		return nil, err
	}
	a.server.Store(server)
	return server, nil
}

// serving gives the server, or nil while it is not ready. In a reload Caddy may
// start its HTTP servers before this app: the store is open then, and the first
// request makes the server, so that a reload is never a 503.
func (a *App) serving(ctx context.Context) *authserver.Server {
	if server := a.server.Load(); server != nil || a.backend == nil || a.backend.backend.Load() == nil {
		return server
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	server, err := a.build(ctx)
	if err != nil {
		a.log.Error("cannot serve yet", "error", err)
	}
	return server
}

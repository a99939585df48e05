package caddymodule

import (
	"context"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

const (
	// startTimeout bounds how long opening a store of this process alone and
	// making missing keys may hold up a start. RSA keys take their time on a busy
	// machine, and to give up is to end.
	startTimeout = time.Minute
	// reloadTimeout is how long a request in a reload waits for the same.
	reloadTimeout = 10 * time.Second
	// sharedTimeout is both for a store that may be away.
	sharedTimeout = 2 * time.Second
	// minPause and maxPause are the times between two attempts to open a store.
	minPause = 100 * time.Millisecond
	maxPause = time.Second
	// maxNews bounds the lines on one store that does not open.
	maxNews = 10

	// retryAfter is what a caller is told to wait for what will pass soon.
	retryAfter = 2 * time.Second
)

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

// begin opens the store and begins to serve. A store that only this process has
// must open; one that is shared may be away, and is then opened once it is back.
func (a *App) begin() error {
	if !a.storage.Shared() {
		ctx, cancel := context.WithTimeout(a.ctx, startTimeout)
		defer cancel()
		_, err := a.build(ctx)
		return err
	}
	patience := sharedTimeout
	// Known to be away: a reload does not wait for it again.
	if a.backend.failing.Load() {
		patience = 0
	}
	tried := make(chan struct{})
	go a.persist(tried)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-tried:
	case <-timer.C:
	}
	return nil
}

// persist tries to build until that works or the configuration ends. tried is
// closed after the first attempt. The log gets one line for each kind of failure,
// not for each attempt.
func (a *App) persist(tried chan<- struct{}) {
	said, began := map[string]bool{}, time.Now()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		_, err := a.build(a.ctx)
		if tried != nil {
			close(tried)
			tried = nil
		}
		if a.ctx.Err() != nil {
			return
		}
		if err == nil {
			if len(said) > 0 {
				a.log.Info("the store is there; serving", "storage", a.backend.resource, "after", time.Since(began).Round(time.Millisecond).String())
			}
			return
		}
		kind := sqlstore.FaultKind(err)
		storeFaulted(kind)
		news := kind
		if kind == sqlstore.FaultOther {
			news = err.Error() // what an operator must mend: the text is the news
		}
		if !said[news] && len(said) < maxNews {
			said[news] = true
			a.log.Error("cannot open the store: what needs it answers 503 until it opens; retrying",
				"storage", a.backend.resource, "kind", kind, "error", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-a.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// build opens the backend and makes the server of this configuration, once.
func (a *App) build(ctx context.Context) (*authserver.Server, error) {
	if err := a.building.lock(ctx); err != nil {
		return nil, err
	}
	defer a.building.unlock()
	if server := a.server.Load(); server != nil {
		return server, nil
	}
	backend, err := a.backend.open(ctx, a.storage, a.key, a.log)
	if err != nil {
		return nil, err
	}
	err = a.openSigners(ctx)
	var server *authserver.Server
	if err == nil {
		server, err = authserver.New(ctx, a.config, backend, authserver.Options{Observer: a.observer, Audit: a.auditor, Log: a.log})
	}
	if err == nil && a.asserts {
		// Read now, so that requests find them there whatever becomes of the store.
		_, err = backend.AssertionKeys(ctx)
	}
	if a.stuck.Store(err != nil); err != nil {
		return nil, err
	}
	a.server.Store(server)
	a.watching.begin(backend, server)
	return server, nil
}

// now is the time by the clock that the nodes share, as soon as there is one.
func (a *App) now() time.Time {
	if a.backend != nil {
		if backend := a.backend.backend.Load(); backend != nil {
			return backend.Now()
		}
	}
	return time.Now()
}

// serving gives the server, or nil while it is not ready. In a reload Caddy may
// start its HTTP servers before this app: the store is open then, and the first
// request makes the server, so that a reload is never a 503. When that fails no
// request waits for another attempt: persist makes them.
func (a *App) serving(ctx context.Context) *authserver.Server {
	if server := a.server.Load(); server != nil || a.backend == nil || a.backend.backend.Load() == nil || a.stuck.Load() {
		return server
	}
	// Whoever gives up does not decide for those who come after.
	timeout := reloadTimeout
	if a.storage.Shared() {
		timeout = sharedTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	server, err := a.build(ctx)
	if err != nil {
		a.log.Error("cannot serve yet", "error", err)
	}
	return server
}

package caddymodule

import (
	"context"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// keepOutTimeout bounds how long a storage that hangs holds up the end of its
// configuration.
const keepOutTimeout = 3 * time.Second

// keyValues is what is needed of a certmagic.Storage.
type keyValues interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
}

// runningStorages are the storages of the configurations that run: one, or two
// in the middle of a reload, the newest last. Foreign issuers outlive
// configurations, and a storage ends with its own.
var runningStorages struct {
	mu  sync.Mutex
	all []*runningStorage
}

type runningStorage struct {
	app  *App
	uses sync.WaitGroup
}

// keepIn has foreign issuers keep their keys in the storage of a configuration
// that starts, until keepOut.
func keepIn(a *App) {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	runningStorages.all = append(runningStorages.all, &runningStorage{app: a})
}

// keepOut ends that, and waits a moment for what still uses the storage.
func keepOut(a *App) {
	runningStorages.mu.Lock()
	n := slices.IndexFunc(runningStorages.all, func(s *runningStorage) bool { return s.app == a })
	if n < 0 {
		runningStorages.mu.Unlock()
		return
	}
	ending := runningStorages.all[n]
	runningStorages.all = slices.Delete(runningStorages.all, n, n+1)
	runningStorages.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		ending.uses.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(keepOutTimeout):
	}
}

// issuerKeeper keeps what was read from foreign issuers in Caddy's storage.
type issuerKeeper struct{}

// use gives the storage of the newest configuration that runs, and what ends its
// use; nil when none runs.
func (issuerKeeper) use() (keyValues, func()) {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	n := len(runningStorages.all)
	if n == 0 {
		return nil, nil
	}
	newest := runningStorages.all[n-1]
	newest.uses.Add(1)
	return newest.app.ctx.Storage(), newest.uses.Done
}

func (issuerKeeper) key(name string) string { return "oauth2/issuers/" + name + ".json" }

// Load implements introspect.Keeper.
func (k issuerKeeper) Load(ctx context.Context, name string) ([]byte, error) {
	storage, done := k.use()
	if storage == nil {
		return nil, fs.ErrNotExist
	}
	defer done()
	return storage.Load(ctx, k.key(name))
}

// Save implements introspect.Keeper.
func (k issuerKeeper) Save(ctx context.Context, name string, document []byte) error {
	storage, done := k.use()
	if storage == nil {
		return nil
	}
	defer done()
	return storage.Store(ctx, k.key(name), document)
}

// Interface guard
var _ introspect.Keeper = issuerKeeper{}

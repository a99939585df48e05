package caddymodule

import (
	"context"
	"io/fs"
	"slices"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// keyValues is what is needed of a certmagic.Storage.
type keyValues interface {
	Load(ctx context.Context, key string) ([]byte, error)
	Store(ctx context.Context, key string, value []byte) error
}

// runningStorages are the storages of the configurations that run: one, or two
// in the middle of a reload, the newest last. Foreign issuers outlive
// configurations, and a storage ends with its own.
var runningStorages struct {
	mu   sync.Mutex
	apps []*App
}

// keepIn has foreign issuers keep their keys in the storage of a configuration
// that starts, until keepOut.
func keepIn(a *App) {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	runningStorages.apps = append(runningStorages.apps, a)
}

func keepOut(a *App) {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	runningStorages.apps = slices.DeleteFunc(runningStorages.apps, func(other *App) bool { return other == a })
}

// issuerKeeper keeps what was read from foreign issuers in Caddy's storage.
type issuerKeeper struct{}

// now gives the storage of the newest configuration that runs; nil for none.
func (issuerKeeper) now() keyValues {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	if n := len(runningStorages.apps); n > 0 {
		return runningStorages.apps[n-1].ctx.Storage()
	}
	return nil
}

func (issuerKeeper) key(name string) string { return "oauth2/issuers/" + name + ".json" }

// Load implements introspect.Keeper.
func (k issuerKeeper) Load(ctx context.Context, name string) ([]byte, error) {
	if storage := k.now(); storage != nil {
		return storage.Load(ctx, k.key(name))
	}
	return nil, fs.ErrNotExist
}

// Save implements introspect.Keeper.
func (k issuerKeeper) Save(ctx context.Context, name string, document []byte) error {
	if storage := k.now(); storage != nil {
		return storage.Store(ctx, k.key(name), document)
	}
	return nil
}

// Interface guard
var _ introspect.Keeper = issuerKeeper{}

package caddymodule

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Storage is what a module in the namespace oauth2.storage must be. Its
// Provision checks and resolves its settings and touches nothing, for it runs
// for `caddy validate` too.
type Storage interface {
	// Resource names what is opened, such as sqlite:/var/lib/caddy/oauth2.db, in
	// words that may be logged. Successive configurations with the same resource
	// share one open store.
	Resource() string

	// Shared says that other nodes use the store too. Then the operator must
	// configure the key, which all of them need, and the store may be away for a
	// while: Caddy starts without it, and Open is tried until it works.
	Shared() bool

	// Open opens the store and brings it up to date. key wraps the private keys
	// in it; nil means that none is configured: then the module uses one that it
	// keeps outside the store, or refuses. It returns the key that is used.
	Open(ctx context.Context, key *keys.Wrapper) (store.Store, *keys.Wrapper, error)
}

// provisionStorage loads the storage module and the key, and opens nothing.
func (a *App) provisionStorage(ctx caddy.Context, repl *caddy.Replacer) error {
	load := func() (any, error) { return ctx.LoadModule(a, "StorageRaw") }
	if a.StorageRaw == nil {
		load = func() (any, error) { return ctx.LoadModuleByID("oauth2.storage.sqlite", nil) }
	}
	module, err := load()
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	storage, ok := module.(Storage)
	if !ok {
		return fmt.Errorf("storage: module %T is not a Storage", module)
	}
	a.storage = storage
	if storage.Shared() && a.EncryptionKey == "" {
		return fmt.Errorf("storage %s needs an encryption_key, the same on all nodes: it wraps the private keys in the database. "+
			"Make one with: openssl rand -base64 32; keep it in a file or a variable, and write `encryption_key {file./path}` or `encryption_key {env.NAME}` beside `storage`", storageName(module))
	}
	return a.provisionEncryptionKey(repl)
}

// storageName is what the Caddyfile calls a storage module.
func storageName(module any) string {
	if m, ok := module.(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return fmt.Sprintf("%T", module)
}

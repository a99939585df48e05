package caddymodule

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Storage is what a module in the namespace oauth2.storage must be. Its
// Provision checks and resolves its settings and touches nothing, for it runs
// for `caddy validate` too.
type Storage interface {
	// Resource names what is opened, such as sqlite:/var/lib/caddy/oauth2.db.
	// Successive configurations with the same resource share one open store.
	Resource() string

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
	if a.EncryptionKey == "" {
		return nil
	}
	text, err := resolveSecret(a.EncryptionKey, repl)
	if err != nil {
		return fmt.Errorf("encryption_key %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return errors.New("encryption_key is not base64 text; make one with: openssl rand -base64 32")
	}
	a.key, err = keys.NewWrapper(key)
	return err
}

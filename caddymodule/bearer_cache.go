package caddymodule

import (
	"cmp"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// How many verdicts the cache holds, about.
const (
	leastCacheTokens, mostCacheTokens = 1_000, 10_000_000
	defaultCacheTokens                = 50_000
)

// cachePool keeps the cache over reloads. Its one key is the size of the cache: all
// routes share it, and its entries say by themselves which settings they rest on. A
// configuration that wants another size gets another cache. The one before leaves the
// pool with its configuration, and memory after drainTimeout.
var cachePool = caddy.NewUsagePool()

// pooledCache is the cache with its end.
type pooledCache struct{ *introspect.Cache }

// Destruct implements caddy.Destructor. Requests of the old configuration may
// still be running, and the cache may only be closed without them.
func (c pooledCache) Destruct() error {
	time.AfterFunc(drainTimeout, c.Close)
	return nil
}

// checkCache finds what is wrong with the size of the cache.
func (a *App) checkCache() error {
	if n := a.TokenCache; n != 0 && (n < leastCacheTokens || n > mostCacheTokens) {
		return fmt.Errorf("token_cache %d: a cache holds from %d to %d tokens, counted as 2 KB each", n, leastCacheTokens, mostCacheTokens)
	}
	return nil
}

// acquireCache gives the process's cache of verdicts, and what gives it back.
func (a *App) acquireCache() (cache *introspect.Cache, release func(), err error) {
	size := cmp.Or(int64(a.TokenCache), defaultCacheTokens)
	pooled, _, err := cachePool.LoadOrNew(size, func() (caddy.Destructor, error) {
		cache, err := introspect.NewCache(size)
		return pooledCache{cache}, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("making the token cache: %w", err)
	}
	return pooled.(pooledCache).Cache, func() { _, _ = cachePool.Delete(size) }, nil
}

// Interface guard
var _ caddy.Destructor = pooledCache{}

package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// cacheTokens is about how many verdicts the cache holds.
const cacheTokens = 50_000

// cacheKey is the one key in cachePool: all routes share one cache, whose
// entries say by themselves which settings they rest on.
const cacheKey = "tokens"

// cachePool keeps the cache over reloads.
var cachePool = caddy.NewUsagePool()

// pooledCache is the cache with its end.
type pooledCache struct{ *introspect.Cache }

// Destruct implements caddy.Destructor. Requests of the old configuration may
// still be running, and the cache may only be closed without them.
func (c pooledCache) Destruct() error {
	time.AfterFunc(drainTimeout, c.Close)
	return nil
}

// acquireCache gives the process's cache of verdicts, and what gives it back.
func acquireCache() (cache *introspect.Cache, release func(), err error) {
	pooled, _, err := cachePool.LoadOrNew(cacheKey, func() (caddy.Destructor, error) {
		cache, err := introspect.NewCache(cacheTokens)
		return pooledCache{cache}, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("making the token cache: %w", err)
	}
	return pooled.(pooledCache).Cache, func() { _, _ = cachePool.Delete(cacheKey) }, nil
}

// Interface guard
var _ caddy.Destructor = pooledCache{}

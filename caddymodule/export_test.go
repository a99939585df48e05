package caddymodule

import "github.com/caddyserver/caddy/v2"

// PoolReferences counts what holds on to foreign issuers and to the cache.
func PoolReferences() int {
	count := 0
	for _, pool := range []*caddy.UsagePool{issuerPool, cachePool} {
		var keys []any
		pool.Range(func(key, _ any) bool {
			keys = append(keys, key)
			return true
		})
		for _, key := range keys {
			references, _ := pool.References(key)
			count += references
		}
	}
	return count
}

// DrainStores waits until the stores that no configuration uses are closed.
func DrainStores() { backends.draining.Wait() }

// Until waits for a condition.
var Until = until

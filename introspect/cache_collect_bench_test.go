//go:build !race

package introspect_test

import (
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What Go's collector needs for a cache of tokens each time it runs, above what it
// needs without them: that is a gateway's p99, and part of each request's CPU.
func BenchmarkCollect(b *testing.B) {
	const tokens = 10_000
	key := newKey("k", oauth.ES256)
	for name, count := range map[string]int{"no token": 0, "10000 tokens": tokens} {
		b.Run(name, func(b *testing.B) {
			cache := fullCache(b, key, count)
			before := marking()
			for b.Loop() {
				runtime.GC()
			}
			b.ReportMetric((marking()-before)*1e6/float64(b.N), "µs-CPU/op")
			runtime.KeepAlive(cache)
		})
	}
}

// marking is the CPU time, in seconds, that the collector has marked memory for.
func marking() (seconds float64) {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/dedicated:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}}
	metrics.Read(samples)
	for _, sample := range samples {
		seconds += sample.Value.Float64()
	}
	return seconds
}

// fullCache is a cache with ordinary tokens that one route has prepared headers of.
func fullCache(tb testing.TB, key signingKey, count int) *introspect.Cache {
	tb.Helper()
	cache, err := introspect.NewCache(int64(2*count + 1))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cache.Close)
	at := route(tb, start(tb, newIssuer(key), nil), func(c *introspect.Config) { c.Cache = cache })
	for n := range count {
		result, err := at.Introspect(tb.Context(), introspect.Presented{Token: oauth.NewSecret(ordinary(key, n))})
		if err != nil {
			tb.Fatal(err)
		}
		token := result.Token
		token.Note(1, headersOf(token))
		if n%1000 == 0 {
			cache.Wait()
		}
	}
	cache.Wait()
	return cache
}

//go:build !race

package introspect_test

import (
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// What Go's collector needs each time it runs, without cached tokens and with them:
// the difference is a good part of a gateway's p99 and of each request's CPU.
func BenchmarkCollect(b *testing.B) {
	const tokens = 10_000
	key := newKey("k", oauth.ES256)
	for name, count := range map[string]int{"no token": 0, "10000 tokens": tokens} {
		b.Run(name, func(b *testing.B) {
			cache, err := introspect.NewCache(2 * tokens)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(cache.Close)
			fill(b, cache, key, count)
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

// fill puts ordinary tokens into a cache, that one route has prepared headers of.
func fill(tb testing.TB, cache *introspect.Cache, key signingKey, count int) {
	tb.Helper()
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
}

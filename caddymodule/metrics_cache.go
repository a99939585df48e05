package caddymodule

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// cacheCollector tells how the cache of verdicts stands when it is asked.
type cacheCollector struct{ dropped, bytes, most *prometheus.Desc }

func newCacheCollector() *cacheCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("caddy", "oauth2", name), help, labels, nil)
	}
	return &cacheCollector{
		dropped: describe("cache_dropped_total", "Verdicts that the cache gave up: evicted, by time or to make room, or rejected, because all others were used more.", "reason"),
		bytes:   describe("cache_bytes", "About what the cached verdicts weigh."),
		most:    describe("cache_max_bytes", "About what the cached verdicts may weigh."),
	}
}

// Describe implements prometheus.Collector.
func (c *cacheCollector) Describe(into chan<- *prometheus.Desc) {
	into <- c.dropped
	into <- c.bytes
	into <- c.most
}

// Collect implements prometheus.Collector.
func (c *cacheCollector) Collect(into chan<- prometheus.Metric) {
	var all introspect.CacheStats // there are two while a reload changes the size
	cachePool.Range(func(_, pooled any) bool {
		stats := pooled.(pooledCache).Stats()
		all.Evicted += stats.Evicted
		all.Rejected += stats.Rejected
		all.Bytes += stats.Bytes
		all.MaxBytes += stats.MaxBytes
		return true
	})
	if all.MaxBytes == 0 {
		return // there is none
	}
	tell := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		into <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	tell(c.dropped, prometheus.CounterValue, float64(all.Evicted), "evicted")
	tell(c.dropped, prometheus.CounterValue, float64(all.Rejected), "rejected")
	tell(c.bytes, prometheus.GaugeValue, float64(all.Bytes))
	tell(c.most, prometheus.GaugeValue, float64(all.MaxBytes))
}

// Interface guard
var _ prometheus.Collector = (*cacheCollector)(nil)

package caddymodule

import "github.com/prometheus/client_golang/prometheus"

// backendCollector tells how the open stores stand when it is asked. There is one
// but for a moment after a change of the storage.
type backendCollector struct{ fresh, clock, backlog *prometheus.Desc }

func newBackendCollector() *backendCollector {
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("caddy", "oauth2", name), help, nil, nil)
	}
	return &backendCollector{
		fresh:   describe("changes_fresh", "Whether what other nodes have changed was read within the last seconds."),
		clock:   describe("clock_ahead_seconds", "By how much the clock is ahead of where the store and the other nodes know it to be, negative when it is behind; 0 while it is believed. Otherwise this node deletes nothing."),
		backlog: describe("deletions_behind", "Whether the last deletion of expired rows by this node left some for the next."),
	}
}

// Describe implements prometheus.Collector.
func (c *backendCollector) Describe(into chan<- *prometheus.Desc) {
	into <- c.fresh
	into <- c.clock
	into <- c.backlog
}

// Collect implements prometheus.Collector.
func (c *backendCollector) Collect(into chan<- prometheus.Metric) {
	backends.Lock()
	defer backends.Unlock()
	for _, pooled := range backends.open {
		backend := pooled.backend.Load()
		if backend == nil || pooled.claims == 0 {
			continue
		}
		status := backend.Status()
		for desc, value := range map[*prometheus.Desc]float64{
			c.fresh: oneIf(status.Fresh), c.clock: status.ClockAhead.Seconds(), c.backlog: oneIf(status.Backlog),
		} {
			into <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
		}
		return // two of one name would make the whole answer an error
	}
}

// Interface guard
var _ prometheus.Collector = (*backendCollector)(nil)

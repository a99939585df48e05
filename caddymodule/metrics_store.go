package caddymodule

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

var (
	storeErrorsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "oauth2", Name: "store_errors_total",
		Help: "Steps that the store could not do, by kind of fault.",
	}, []string{"kind"})

	storeGauges = newStoreCollector()
)

func init() {
	// Prometheus sees no increase in a series that begins with 1.
	for _, kind := range sqlstore.FaultKinds() {
		storeErrorsTotal.WithLabelValues(kind)
	}
}

// storeFaulted counts one step that the store could not do.
func storeFaulted(kind string) { storeErrorsTotal.WithLabelValues(kind).Inc() }

// storeCollector tells how the store stands when it is asked.
type storeCollector struct {
	ready, changes, clock, storeClock, backlog, connections, most, waiting *prometheus.Desc
}

func newStoreCollector() *storeCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("caddy", "oauth2", name), help, labels, nil)
	}
	return &storeCollector{
		ready:       describe("store_ready", "Whether the store is open and has answered within the last seconds."),
		changes:     describe("store_changes_read_timestamp_seconds", "When the changes of other nodes, revocations among them, were last read, in unix time."),
		clock:       describe("clock_ahead_seconds", "By how much the clock is ahead of where the store and the other nodes know it to be, negative when it is behind; 0 while it is believed. Otherwise this node deletes nothing."),
		storeClock:  describe("store_clock_ahead_seconds", "By how much the clock of the database is ahead of this machine's, negative when it is behind; 0 for SQLite. Up to a minute this node goes by it."),
		backlog:     describe("deletions_behind", "Whether the last deletion of expired rows by this node left some for the next."),
		connections: describe("store_connections", "Connections to the database that are open, by state: in_use or idle.", "state"),
		most:        describe("store_max_connections", "Connections to the database that may be open."),
		waiting:     describe("store_waiting", "Requests that wait for a connection to the database."),
	}
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(into chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.ready, c.changes, c.clock, c.storeClock, c.backlog, c.connections, c.most, c.waiting} {
		into <- desc
	}
}

// Collect implements prometheus.Collector. Without a store there is nothing to
// tell.
func (c *storeCollector) Collect(into chan<- prometheus.Metric) {
	p := currentBackend()
	if p == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		into <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	backend := p.backend.Load()
	gauge(c.ready, oneIf(backend != nil && backend.Status().Fresh))
	if backend == nil {
		return
	}
	status := backend.Status()
	gauge(c.changes, float64(backend.ChangesRead().Unix()))
	gauge(c.clock, status.ClockAhead.Seconds())
	gauge(c.storeClock, status.StoreAhead.Seconds())
	gauge(c.backlog, oneIf(status.Backlog))
	pooled, ok := p.store.(interface{ Pool() (sqlstore.Pool, bool) })
	if !ok {
		return
	}
	stats, ok := pooled.Pool()
	if !ok {
		return
	}
	gauge(c.connections, float64(stats.InUse), "in_use")
	gauge(c.connections, float64(stats.Idle), "idle")
	gauge(c.most, float64(stats.Max))
	gauge(c.waiting, float64(stats.Waiting))
}

// currentBackend is the backend of the newest configuration that has one.
func currentBackend() *pooledBackend {
	backends.Lock()
	defer backends.Unlock()
	var newest *pooledBackend
	for _, p := range backends.open {
		if p.claims > 0 && (newest == nil || p.made > newest.made) {
			newest = p
		}
	}
	return newest
}

// Interface guard
var _ prometheus.Collector = (*storeCollector)(nil)

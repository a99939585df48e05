package caddymodule

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// breakerStates are all that a breaker can be in.
var breakerStates = []string{introspect.BreakerClosed, introspect.BreakerHalfOpen, introspect.BreakerOpen}

// issuersCollector tells how the foreign issuers of the running configurations
// stand at the moment it is asked. It keeps nothing, so an issuer that was taken
// out of the configuration is gone from the metrics too.
type issuersCollector struct {
	ready, keys, read, refresh, breaker *prometheus.Desc
	statuses                            func() map[issuerName]introspect.Status
}

// issuerName is how the configuration calls an issuer, and its identifier: one
// name can stand for several.
type issuerName struct{ name, url string }

func newIssuersCollector(statuses func() map[issuerName]introspect.Status) *issuersCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("caddy", "oauth2", name), help, append([]string{"issuer", "url"}, labels...), nil)
	}
	return &issuersCollector{
		ready:    describe("issuer_ready", "Whether tokens of a foreign issuer can be verified now."),
		keys:     describe("keys", "Keys of a foreign issuer that verify now."),
		read:     describe("keys_read_timestamp_seconds", "When the keys of a foreign issuer were last read from it, in unix time."),
		refresh:  describe("keys_next_refresh_timestamp_seconds", "When the keys of a foreign issuer are read again at the latest, in unix time."),
		breaker:  describe("introspection_breaker", "1 for the state that the breaker before an introspection endpoint is in.", "state"),
		statuses: statuses,
	}
}

// Describe implements prometheus.Collector.
func (c *issuersCollector) Describe(into chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.ready, c.keys, c.read, c.refresh, c.breaker} {
		into <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *issuersCollector) Collect(into chan<- prometheus.Metric) {
	for issuer, status := range c.statuses() {
		gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
			into <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{issuer.name, issuer.url}, labels...)...)
		}
		at := func(desc *prometheus.Desc, when time.Time) {
			if !when.IsZero() {
				gauge(desc, float64(when.Unix()))
			}
		}
		gauge(c.ready, oneIf(status.Ready))
		gauge(c.keys, float64(len(status.Keys)))
		at(c.read, status.KeysRead)
		at(c.refresh, status.NextRefresh)
		if status.Breaker == "" {
			continue
		}
		for _, state := range breakerStates {
			gauge(c.breaker, oneIf(state == status.Breaker), state)
		}
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// issuerStatuses asks the foreign issuers of the process. While a configuration
// replaces another, an issuer whose settings changed is there twice: the one
// that knows more stands for both.
func issuerStatuses() map[issuerName]introspect.Status {
	var all []*introspect.Remote
	issuerPool.Range(func(_, pooled any) bool {
		all = append(all, pooled.(*pooledIssuer).remote)
		return true
	})
	statuses := make(map[issuerName]introspect.Status, len(all))
	for _, remote := range all {
		status := remote.Status()
		key := issuerName{status.Name, status.Issuer}
		if other, twice := statuses[key]; twice && other.Ready && !status.KeysRead.After(other.KeysRead) {
			continue
		}
		statuses[key] = status
	}
	return statuses
}

// Interface guard
var _ prometheus.Collector = (*issuersCollector)(nil)

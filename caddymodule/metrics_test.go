package caddymodule

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gathered is what a registry says, by name of metric and labels.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			name := family.GetName()
			for _, label := range metric.Label {
				name += " " + label.GetValue()
			}
			values[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return values
}

// Caddy makes a new registry on each reload; counters must go on.
func TestCountersGoOnInTheRegistryOfTheNextConfiguration(t *testing.T) {
	count := func() {
		new(BearerAuth).count(verdict{passed: decisionAllowed, issuer: "corp"})
		tokenAnswered("/counted", "password", "ok")
		issuerObserver{}.KeysFetched("https://counted.test", "ok")
		issuerObserver{}.Introspected("https://counted.test", "active", time.Millisecond)
		cacheLookup(true)
	}
	registered := func() map[string]float64 {
		registry := prometheus.NewPedanticRegistry()
		for range 2 { // every handler and the app register
			if err := registerMetrics(registry); err != nil {
				t.Fatal(err)
			}
		}
		return gathered(t, registry)
	}
	count()
	before := registered()
	count()
	after := registered()
	for _, name := range []string{
		"caddy_oauth2_requests_total allowed corp none",
		"caddy_oauth2_tokens_total password /counted ok",
		"caddy_oauth2_key_fetches_total https://counted.test ok",
		"caddy_oauth2_introspection_seconds https://counted.test active",
		"caddy_oauth2_cache_lookups_total hit",
	} {
		if before[name] < 1 || after[name] != before[name]+1 {
			t.Errorf("%s is %v, then %v", name, before[name], after[name])
		}
	}
}

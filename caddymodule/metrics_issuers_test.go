package caddymodule

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestIssuersTellHowTheyStandWhenTheyAreAsked(t *testing.T) {
	read := time.Unix(1_700_000_000, 0)
	statuses := map[issuerName]introspect.Status{
		{"corp", "https://a.test"}: {
			Ready: true, Keys: make([]introspect.StatusKey, 3), KeysRead: read, NextRefresh: read.Add(5 * time.Minute), Breaker: "half_open",
		},
		{"corp", "https://b.test"}: {}, // another tenant of it
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newIssuersCollector(func() map[issuerName]introspect.Status { return statuses }))
	want := map[string]float64{
		"caddy_oauth2_issuer_ready corp https://a.test":                        1,
		"caddy_oauth2_issuer_ready corp https://b.test":                        0,
		"caddy_oauth2_keys corp https://a.test":                                3,
		"caddy_oauth2_keys corp https://b.test":                                0,
		"caddy_oauth2_keys_read_timestamp_seconds corp https://a.test":         1_700_000_000,
		"caddy_oauth2_keys_next_refresh_timestamp_seconds corp https://a.test": 1_700_000_300,
		"caddy_oauth2_introspection_breaker corp closed https://a.test":        0,
		"caddy_oauth2_introspection_breaker corp half_open https://a.test":     1,
		"caddy_oauth2_introspection_breaker corp open https://a.test":          0,
	}
	got := gathered(t, registry)
	for name, value := range want {
		if have, there := got[name]; !there || have != value {
			t.Errorf("%s is %v (%v), want %v", name, have, there, value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d series, want %d: %v", len(got), len(want), got)
	}
	// What is not configured any more is not there any more.
	delete(statuses, issuerName{"corp", "https://b.test"})
	if _, there := gathered(t, registry)["caddy_oauth2_issuer_ready corp https://b.test"]; there {
		t.Error("an issuer outlives its configuration")
	}
}

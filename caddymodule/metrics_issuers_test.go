package caddymodule

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

func TestIssuersTellHowTheyStandWhenTheyAreAsked(t *testing.T) {
	read := time.Unix(1_700_000_000, 0)
	statuses := map[string]introspect.Status{
		"corp": {
			Ready: true, Keys: make([]introspect.StatusKey, 3), KeysRead: read, NextRefresh: read.Add(5 * time.Minute), Breaker: "half_open",
		},
		"down": {},
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newIssuersCollector(func() map[string]introspect.Status { return statuses }))
	want := map[string]float64{
		"caddy_oauth2_issuer_ready corp":                        1,
		"caddy_oauth2_issuer_ready down":                        0,
		"caddy_oauth2_keys corp":                                3,
		"caddy_oauth2_keys down":                                0,
		"caddy_oauth2_keys_read_timestamp_seconds corp":         1_700_000_000,
		"caddy_oauth2_keys_next_refresh_timestamp_seconds corp": 1_700_000_300,
		"caddy_oauth2_introspection_breaker corp closed":        0,
		"caddy_oauth2_introspection_breaker corp half_open":     1,
		"caddy_oauth2_introspection_breaker corp open":          0,
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
	delete(statuses, "down")
	if _, there := gathered(t, registry)["caddy_oauth2_issuer_ready down"]; there {
		t.Error("an issuer outlives its configuration")
	}
}

package caddymodule

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The store is told to operators as it stands: away, then ready, with what it
// could not do by kind, and gone when no configuration uses it.
func TestStoreMetrics(t *testing.T) {
	w := awayWorld(t)
	registry := prometheus.NewPedanticRegistry()
	if err := registerMetrics(registry); err != nil {
		t.Fatal(err)
	}
	const ready, changes = "caddy_oauth2_store_ready", "caddy_oauth2_store_changes_read_timestamp_seconds"
	const faults = "caddy_oauth2_store_errors_total other"
	before := gathered(t, registry)
	if _, there := before[ready]; there {
		t.Error("a store is ready before there is one")
	}
	app := w.load(w.awayConfig("", ""))
	until(t, "counted", 5*time.Second, func() bool { return gathered(t, registry)[faults] > before[faults] })
	values := gathered(t, registry)
	if value, there := values[ready]; value != 0 || !there {
		t.Errorf("ready is %v, %v", value, there)
	}
	if _, there := values[changes]; there {
		t.Error("changes were read before the store is open")
	}
	setAway(nil, nil)
	until(t, "ready", 5*time.Second, func() bool { return app.server.Load() != nil })
	values = gathered(t, registry)
	if age := time.Since(time.Unix(int64(values[changes]), 0)); values[ready] != 1 || age > 10*time.Second {
		t.Errorf("ready is %v, changes were read %s ago", values[ready], age)
	}
	w.stop()
	if _, there := gathered(t, registry)[ready]; there {
		t.Error("a store is ready after its end")
	}
}

// While one store replaces another the newer one is told of, also when both have
// the same name.
func TestStoreMetricsOfTwoStores(t *testing.T) {
	var pools []*pooledBackend
	for _, resource := range []string{"test:old", "test:new"} {
		p, err := usePool(resource)
		if err != nil {
			t.Fatal(err)
		}
		pools = append(pools, p)
	}
	if currentBackend() != pools[1] {
		t.Error("not the newer one")
	}
	_, failed := backendPool.Delete("test:new")
	_, alsoFailed := backendPool.Delete("test:old")
	if err := errors.Join(failed, alsoFailed); err != nil {
		t.Error(err)
	}
	backends.draining.Wait()
	if currentBackend() != nil {
		t.Error("a store is told of that nobody uses")
	}
}

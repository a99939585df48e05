package caddymodule_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// metrics is what Caddy says at /metrics of the oauth2 modules.
func (g *gateway) metrics() string {
	g.t.Helper()
	body, err := io.ReadAll(g.send("GET /metrics").Body)
	if err != nil {
		g.t.Fatal(err)
	}
	var ours []string
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "caddy_oauth2_") {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "")
}

// What an issuer and the cache are like is told when it is asked for, under the
// name that the running configuration has for the issuer.
func TestMetricsOfARunningGateway(t *testing.T) {
	g := newGateway(t, setup{matcher: "@guarded", site: "@guarded not path /metrics\nmetrics /metrics"})
	wantStatus(t, g.send("GET /", g.bearer(nil)), http.StatusOK)
	want := func(lines ...string) {
		t.Helper()
		text := g.metrics()
		for _, line := range lines {
			if !strings.Contains(text, line) {
				t.Errorf("no %s in\n%s", line, text)
			}
		}
	}
	named := func(name string) {
		t.Helper()
		labels := fmt.Sprintf("{issuer=%q,url=%q}", name, g.issuer.URL)
		want("caddy_oauth2_issuer_ready"+labels+" 1\n", "caddy_oauth2_keys"+labels+" ")
	}
	named(g.issuer.URL)
	want(fmt.Sprintf("caddy_oauth2_requests_total{decision=%q,issuer=%q,reason=%q} ", "refused", g.issuer.URL, "unavailable"),
		fmt.Sprintf("caddy_oauth2_requests_total{decision=%q,issuer=%q,reason=%q} ", "refused", "none", "panic"))
	want("caddy_oauth2_cache_max_bytes 1.024e+08\n", "caddy_oauth2_cache_bytes ", `caddy_oauth2_cache_dropped_total{reason="rejected"} `)
	for _, name := range []string{"corp", "idp"} { // one issuer with the same settings, renamed
		text := strings.Replace(g.caddyfile, "bearer_auth @guarded "+g.issuer.URL, "bearer_auth @guarded "+name, 1)
		text = strings.Replace(text, "admin off", fmt.Sprintf("admin off\noauth2 {\nissuer %s %s\n}", name, g.issuer.URL), 1)
		if err := load(t, text); err != nil {
			t.Fatal(err)
		}
		named(name)
		if strings.Contains(g.metrics(), fmt.Sprintf("issuer_ready{issuer=%q,", g.issuer.URL)) {
			t.Error("the old name is still there")
		}
	}
}

package caddymodule

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// eventRecorder is an event handler that hands over what it is told.
type eventRecorder struct{}

var recorded = make(chan caddy.Event)

func (eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (*eventRecorder) Handle(_ context.Context, event caddy.Event) error {
	recorded <- event
	return nil
}

func init() { caddy.RegisterModule(eventRecorder{}) }

// counted says how often an event of the root realm was.
func counted(t *testing.T, event audit.Event) float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(securityEventsTotal)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if labels := metric.GetLabel(); labels[0].GetValue() == string(event) && labels[1].GetValue() == "/" {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestSecurityEvents(t *testing.T) {
	w := newWorld(t)
	config := bytes.Replace(w.config("a", ""), []byte(`"apps":{`),
		[]byte(`"apps":{"events":{"subscriptions":[{"events":["oauth2_refresh_reuse","oauth2_code_replay","oauth2_refresh_grace"],"modules":["oauth2"],"handlers":[{"handler":"recorder"}]}]},`), 1)
	app := w.load(config)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(securityEventsTotal)
	if _, there := gathered(t, registry)["caddy_oauth2_security_events_total refresh_grace /"]; !there {
		t.Error("the series does not begin before its first event, which alerts would miss")
	}

	for _, name := range []audit.Event{audit.RefreshReuse, audit.CodeReplay} {
		before := counted(t, name)
		app.auditor.Record(t.Context(), audit.Record{Event: name, Realm: "/", ClientID: "c", Subject: "s", GrantID: "g"})
		got := <-recorded
		want := map[string]any{"realm": "/", "client_id": "c", "subject": "s", "grant_id": "g"}
		if got.Name() != "oauth2_"+string(name) || !reflect.DeepEqual(got.Data, want) {
			t.Errorf("event %s with %v", got.Name(), got.Data)
		}
		if after := counted(t, name); after != before+1 {
			t.Errorf("%s is counted %v times", name, after-before)
		}
	}

	// A retry is counted and no event: the next one that comes is another.
	before := counted(t, audit.RefreshGrace)
	app.auditor.Record(t.Context(), audit.Record{Event: audit.RefreshGrace, Realm: "/"})
	app.auditor.Record(t.Context(), audit.Record{Event: audit.CodeReplay, Realm: "/"})
	if got := <-recorded; got.Name() != "oauth2_code_replay" {
		t.Errorf("event %s", got.Name())
	}
	if after := counted(t, audit.RefreshGrace); after != before+1 {
		t.Errorf("retries are counted %v times", after-before)
	}
}

// Handlers that hang take neither the request nor ever more goroutines.
func TestSecurityEventsNeverBlock(t *testing.T) {
	w := newWorld(t)
	config := bytes.Replace(w.config("a", ""), []byte(`"apps":{`),
		[]byte(`"apps":{"events":{"subscriptions":[{"handlers":[{"handler":"recorder"}],"modules":["oauth2"]}]},`), 1)
	app := w.load(config)
	var log bytes.Buffer
	app.observer.log = slog.New(slog.NewTextHandler(&log, nil))
	for range maxEvents + 3 {
		app.auditor.Record(t.Context(), audit.Record{Event: audit.CodeReplay, Realm: "/", GrantID: "g"})
	}
	if n := strings.Count(log.String(), "too many event handlers are running"); n != 3 {
		t.Errorf("%d lines about events that no handler is told of", n)
	}
	for range maxEvents {
		<-recorded
	}
}

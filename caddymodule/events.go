package caddymodule

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// maxEvents bounds how many security events are handled at once.
const maxEvents = 16

// observer tells the operator what a realm reports: counts as metrics, security
// facts as a log line and an event of Caddy.
type observer struct {
	ctx     caddy.Context
	events  *caddyevents.App
	log     *slog.Logger
	running chan struct{}
}

func newObserver(ctx caddy.Context, log *slog.Logger, realms []*Realm) (*observer, error) {
	for _, served := range realms { // for alerts, as countFromZero does
		for _, event := range [...]string{realm.EventRefreshReuse, realm.EventCodeReplay, realm.EventRefreshGrace} {
			securityEventsTotal.WithLabelValues(served.Name, event)
		}
	}
	loaded, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	events, ok := loaded.(*caddyevents.App)
	if !ok {
		return nil, fmt.Errorf("the events app is a %T", loaded)
	}
	// Requests outlive the configuration that they began in, and so do events.
	ctx.Context = context.WithoutCancel(ctx.Context)
	return &observer{ctx: ctx, events: events, log: log, running: make(chan struct{}, maxEvents)}, nil
}

// TokenAnswered implements realm.Observer.
func (o *observer) TokenAnswered(realmName, grantType, result string) {
	tokenAnswered(realmName, grantType, result)
}

// Security implements realm.Observer.
func (o *observer) Security(_ context.Context, event realm.Event) {
	securityEventsTotal.WithLabelValues(event.Realm, event.Name).Inc()
	log := o.log.With("event", event.Name, "realm", event.Realm,
		"client_id", event.ClientID, "subject", event.Subject, "grant_id", event.GrantID)
	if event.Name == realm.EventRefreshGrace {
		// A client that did not get its answer asks again: worth counting only.
		log.Debug("refresh token retried within the grace")
		return
	}
	log.Warn("security event")
	o.emit(event, log)
}

// emit runs the event's handlers beside the request, for they may take long.
// When too many are running, the log line has to do.
func (o *observer) emit(event realm.Event, log *slog.Logger) {
	select {
	case o.running <- struct{}{}:
	default:
		log.Error("too many event handlers are running: none is told of this event")
		return
	}
	go func() {
		defer func() {
			if fault := recover(); fault != nil {
				log.Error("an event handler panicked", "fault", fmt.Sprintf("%T", fault))
			}
			<-o.running
		}()
		o.events.Emit(o.ctx, "oauth2_"+event.Name, map[string]any{
			"realm": event.Realm, "client_id": event.ClientID, "subject": event.Subject, "grant_id": event.GrantID,
		})
	}()
}

// Interface guard
var _ realm.Observer = (*observer)(nil)

package caddymodule

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// maxEvents bounds how many security events are handled at once.
const maxEvents = 16

// observer tells the operator what a realm reports: counts as metrics, and as
// events of Caddy what the auditor hands on.
type observer struct {
	ctx     caddy.Context
	events  *caddyevents.App
	log     *slog.Logger
	running chan struct{}
}

func newObserver(ctx caddy.Context, log *slog.Logger, realms []*Realm) (*observer, error) {
	for _, served := range realms { // for alerts, as countFromZero does
		for _, event := range audit.Events() {
			if event == audit.RefreshGrace || event.Outcome() == audit.Failure {
				securityEventsTotal.WithLabelValues(served.Name, string(event))
			}
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

// AttemptLimited implements realm.Observer.
func (o *observer) AttemptLimited(realmName, kind string) {
	attemptLimited(realmName, kind)
}

// LogoutTold implements realm.Observer.
func (o *observer) LogoutTold(realmName, result string) {
	logoutsTotal.WithLabelValues(realmName, result).Inc()
}

// emit runs the handlers of what somebody may want to act on at once. They run
// beside the request, for they may take long. When too many are running, the log
// line has to do.
func (o *observer) emit(record *audit.Record) {
	if record.Event != audit.RefreshReuse && record.Event != audit.CodeReplay {
		return
	}
	name := "oauth2_" + string(record.Event)
	data := map[string]any{
		"realm": record.Realm, "client_id": record.ClientID, "subject": record.Subject, "grant_id": record.GrantID,
	}
	log := o.log.With("event", name)
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
		o.events.Emit(o.ctx, name, data)
	}()
}

// Interface guard
var _ realm.Observer = (*observer)(nil)

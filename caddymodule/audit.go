package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// defaultKeep is how long the store keeps audit records.
const defaultKeep = 90 * 24 * time.Hour

// auditLines bounds the records that strangers can cause, for the whole process:
// a reload gives nobody a new allowance.
var auditLines = newLineLimit(time.Now)

// Audit is what is done with security events: sign-ins, consents, tokens,
// revocations, changes of keys and clients. Each is one line of Caddy's log with
// the logger name `oauth2.audit`, for a `log` of its own to include, and may be
// kept in the store.
type Audit struct {
	// Store keeps the records in the store too, for `caddy oauth2-audit` to read.
	// Every token that is issued then is a row. Default: false.
	Store bool `json:"store,omitempty"`

	// Keep is how long the store keeps a record. A change counts for records made
	// after it. Default: 90d.
	Keep caddy.Duration `json:"keep,omitempty"`

	// Off are events that are neither logged nor stored, such as `token_issued`.
	// They are counted all the same. Default: none.
	Off []string `json:"off,omitempty"`
}

// auditor is the audit.Log of one configuration. It works on after its end, for
// the requests that began in it.
type auditor struct {
	app  *App
	log  *zap.Logger // of this configuration
	node string
	keep time.Duration // 0: not in the store
	off  map[audit.Event]bool
}

// provisionAudit makes the auditor. It opens nothing.
func (a *App) provisionAudit(ctx caddy.Context) error {
	a.auditor = &auditor{app: a, log: ctx.Logger().Named("audit"), node: authserver.NodeName(), off: map[audit.Event]bool{}}
	if a.Audit == nil {
		return nil
	}
	for _, name := range a.Audit.Off {
		event := audit.Event(name)
		if !event.Known() {
			return fmt.Errorf("audit: there is no event %q to switch off; there are %s", name, eventNames())
		}
		if a.auditor.off[event] {
			return fmt.Errorf("audit: event %s is switched off twice", name)
		}
		a.auditor.off[event] = true
	}
	switch keep := time.Duration(a.Audit.Keep); {
	case keep < 0:
		return errors.New("audit: keep is a time over zero, such as 90d")
	case keep > 0 && !a.Audit.Store:
		return errors.New("audit: keep is for records in the store, and there are none: add `store`, or remove keep")
	case !a.Audit.Store:
		return nil
	default:
		a.auditor.keep = max(keep, 0)
		if keep == 0 {
			a.auditor.keep = defaultKeep
		}
	}
	return a.needBackend()
}

// Record implements audit.Log: it counts the event, and sees that its record gets
// where it belongs.
func (a *auditor) Record(ctx context.Context, record audit.Record) {
	securityEventsTotal.WithLabelValues(record.Realm, string(record.Event)).Inc()
	if a.app.observer != nil {
		a.app.observer.emit(&record)
	}
	if a.off[record.Event] {
		return
	}
	if record.Event.ByStrangers() {
		left, ok := auditLines.allow(string(record.Event), record.Realm)
		if !ok {
			return
		}
		if left > 0 {
			record = record.With(audit.NotRecorded, strconv.Itoa(left))
		}
	}
	a.complete(ctx, &record)
	writeAudit(auditLog(), &record)
	if a.keep > 0 {
		a.store(record)
	}
}

// complete fills in what the one who tells need not know.
func (a *auditor) complete(ctx context.Context, record *audit.Record) {
	if record.Time.IsZero() {
		record.Time = time.Now()
	}
	if record.Outcome == "" {
		record.Outcome = record.Event.Outcome()
	}
	operator, isAdmin := adminSource(ctx)
	if record.Actor == "" {
		record.Actor = audit.BySystem
		if isAdmin {
			record.Actor = audit.ByAdmin
		}
	}
	if record.Source == "" {
		record.Source = operator
		if ip, ok := caddyhttp.GetVar(ctx, caddyhttp.ClientIPVarKey).(string); ok {
			record.Source = ip
		}
	}
	record.Node = a.node
	record.Clean()
}

// store has the record kept, if the store is open and has room.
func (a *auditor) store(record audit.Record) {
	backend := a.app.backend.backend.Load()
	if backend == nil || !backend.Audit().Add(record, a.keep) {
		auditLostTotal.Inc()
	}
}

// audit tells of a security event that no request of a realm has caused: what an
// operator changed, or this process of its own accord. The actor is the operator
// when ctx is that of a request to the admin API. It is to be called after the
// change is committed.
func (a *App) audit(ctx context.Context, record audit.Record) { a.auditor.Record(ctx, record) }

// auditLog is where lines go now: the log of the newest configuration that runs,
// for that of an older one may be closed while its last requests are answered.
func auditLog() *zap.Logger {
	runningStorages.mu.Lock()
	defer runningStorages.mu.Unlock()
	if n := len(runningStorages.all); n > 0 {
		return runningStorages.all[n-1].app.auditor.log
	}
	return caddy.Log().Named("oauth2.audit")
}

// Interface guard
var _ audit.Log = (*auditor)(nil)

package authserver

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// auditing is what the backend has to do with security events: it keeps records
// in its store for those who ask it to, and tells its own to the log of the
// newest configuration.
type auditing struct {
	writer *audit.Writer
	log    atomic.Pointer[audit.Log] // nil until a Server is made
}

func newAuditing(store audit.Store, log *slog.Logger, now func() time.Time) *auditing {
	return &auditing{writer: audit.NewWriter(store, log, now, NodeName())}
}

// NodeName is what records call this node.
func NodeName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// follow tells what is the backend's own to log from now on, if there is one.
func (a *auditing) follow(log audit.Log) {
	if log != nil {
		a.log.Store(&log)
	}
}

// write runs the writer until ctx ends. What it gives back waits for the last
// record to be written.
func (a *auditing) write(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.writer.Run(ctx)
	}()
	return func() { <-done }
}

// Audit keeps records in the store.
func (b *Backend) Audit() *audit.Writer { return b.audit.writer }

// AuditRecords reads what was kept.
func (b *Backend) AuditRecords(ctx context.Context, query audit.Query) ([]audit.Record, error) {
	return b.store.AuditRecords(ctx, query)
}

// Tell tells of a security event that no request of a realm has caused, such as a
// key that was promoted in time, to the log of the newest configuration.
func (b *Backend) Tell(ctx context.Context, record audit.Record) {
	log := b.audit.log.Load()
	if log == nil {
		return
	}
	if record.Time.IsZero() {
		record.Time = b.now()
	}
	(*log).Record(ctx, record)
}

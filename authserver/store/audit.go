package store

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// Audit keeps records of security events, for operators to look up.
type Audit interface {
	// AppendAudit keeps entries, all or none. One whose ID is there already is left
	// alone, so that a call whose outcome is not known can be repeated.
	AppendAudit(ctx context.Context, entries []audit.Entry) error
	// AuditRecords reads the newest records that a query asks for, the newest first.
	AuditRecords(ctx context.Context, query audit.Query) ([]audit.Record, error)
}

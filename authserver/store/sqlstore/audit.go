package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

const auditColumns = `id, at, event, outcome, actor, realm, client_id, subject,
	grant_id, session_id, grant_type, scope, source, node, details`

const (
	insertAudit = `INSERT INTO audit (` + auditColumns + `, expires) VALUES `

	// IDs are ordered by time, so both ends are places in the primary key.
	selectAudit = `SELECT ` + auditColumns + ` FROM audit WHERE id >= ? AND id < ?`

	purgeAudit = `DELETE FROM audit WHERE id IN
		(SELECT id FROM audit WHERE expires <= ? ORDER BY expires LIMIT ?) AND +expires <= ?`
)

// lastID is behind every ID, which is hex digits.
const lastID = "g"

// auditRows is how many rows the longest statement inserts; what is left of a
// batch is inserted by halves of it, so that there are few statements.
const auditRows = 64

// auditInserts are the statements by their number of rows.
var auditInserts = func() map[int]string {
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	texts := map[int]string{}
	for rows := auditRows; rows > 0; rows /= 2 {
		texts[rows] = insertAudit + row + strings.Repeat(`, `+row, rows-1) + ` ON CONFLICT DO NOTHING`
	}
	return texts
}()

// AppendAudit keeps entries.
func (s *Store) AppendAudit(ctx context.Context, entries []audit.Entry) error {
	return change(ctx, s, "keep audit records", func(q querier) error {
		left := entries
		for rows := auditRows; rows > 0; rows /= 2 {
			for len(left) >= rows {
				args := make([]any, 0, rows*16)
				for i := range left[:rows] {
					var err error
					if args, err = appendAuditRow(args, &left[i]); err != nil {
						return err
					}
				}
				if _, err := q.exec(auditInserts[rows], args...); err != nil {
					return err
				}
				left = left[rows:]
			}
		}
		return nil
	})
}

func appendAuditRow(args []any, e *audit.Entry) ([]any, error) {
	details := "{}"
	if len(e.Details) > 0 {
		text, err := json.Marshal(e.Details)
		if err != nil {
			return nil, err
		}
		details = string(text)
	}
	return append(args, e.ID, e.Time.UnixMilli(), string(e.Event), string(e.Outcome), string(e.Actor),
		e.Realm, e.ClientID, e.Subject, e.GrantID, e.SessionID, e.GrantType, e.Scope, e.Source, e.Node,
		details, seconds(e.Expires)), nil
}

// AuditRecords reads the newest records that a query asks for.
func (s *Store) AuditRecords(ctx context.Context, query audit.Query) ([]audit.Record, error) {
	before := query.Before
	if before == "" {
		before = lastID
	}
	text, args := selectAudit, []any{audit.FirstID(query.Since), before}
	for _, filter := range []struct{ column, value string }{
		{"subject", query.Subject}, {"client_id", query.ClientID}, {"realm", query.Realm}, {"event", string(query.Event)},
	} {
		if filter.value != "" {
			text += ` AND ` + filter.column + ` = ?`
			args = append(args, filter.value)
		}
	}
	var records []audit.Record
	err := s.engine.read(ctx).each(func(row scanner) error {
		record, err := scanAudit(row)
		records = append(records, record)
		return err
	}, text+` ORDER BY id DESC LIMIT ?`, append(args, int64(query.Limit))...)
	return records, verdict("read audit records", err)
}

// scanAudit reads a row of auditColumns.
func scanAudit(row scanner) (r audit.Record, err error) {
	var at int64
	var details string
	err = row.Scan(&r.ID, &at, &r.Event, &r.Outcome, &r.Actor, &r.Realm, &r.ClientID, &r.Subject,
		&r.GrantID, &r.SessionID, &r.GrantType, &r.Scope, &r.Source, &r.Node, &details)
	if err != nil {
		return r, err
	}
	r.Time = time.UnixMilli(at).UTC()
	if err := json.Unmarshal([]byte(details), &r.Details); err != nil {
		return r, fmt.Errorf("the details of an audit record are not JSON: %w", err)
	}
	return r, nil
}

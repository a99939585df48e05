package caddymodule

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// writeAudit writes a record as one line: a warning for what did not hold or
// should not have been tried, else information.
func writeAudit(log *zap.Logger, record *audit.Record) {
	level := zapcore.InfoLevel
	if record.Outcome == audit.Failure {
		level = zapcore.WarnLevel
	}
	if entry := log.Check(level, "audit"); entry != nil {
		entry.Time = record.Time
		entry.Write(zap.Inline(auditLine{record}))
	}
}

// auditLine is a record as fields of a log line, with the names that it has in
// the admin API.
type auditLine struct{ *audit.Record }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (l auditLine) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	encoder.AddString("event", string(l.Event))
	encoder.AddString("outcome", string(l.Outcome))
	for _, field := range [...]struct{ name, text string }{
		{"actor", string(l.Actor)}, {"realm", l.Realm}, {"client_id", l.ClientID}, {"subject", l.Subject},
		{"grant_id", l.GrantID}, {"session_id", l.SessionID}, {"grant_type", l.GrantType}, {"scope", l.Scope},
		{"source", l.Source}, {"node", l.Node},
	} {
		if field.text != "" {
			encoder.AddString(field.name, field.text)
		}
	}
	if len(l.Details) == 0 {
		return nil
	}
	return encoder.AddObject("details", auditDetails(l.Details))
}

type auditDetails audit.Details

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (d auditDetails) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	for _, detail := range d {
		encoder.AddString(string(detail.Key), detail.Value)
	}
	return nil
}

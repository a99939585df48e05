package caddymodule

import (
	"context"
	"log/slog"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// activeLog is a slog.Handler for what outlives a configuration: each line goes
// to Caddy's default log of that moment. The handler of one configuration would
// write to files that a later one has closed.
type activeLog struct{ fields []zap.Field }

// Enabled implements slog.Handler.
func (l activeLog) Enabled(_ context.Context, level slog.Level) bool {
	return caddy.Log().Core().Enabled(zapLevel(level))
}

// Handle implements slog.Handler.
func (l activeLog) Handle(_ context.Context, record slog.Record) error {
	fields := l.fields[:len(l.fields):len(l.fields)]
	record.Attrs(func(attr slog.Attr) bool {
		fields = append(fields, zapField(attr))
		return true
	})
	caddy.Log().Named("oauth2").Log(zapLevel(record.Level), record.Message, fields...)
	return nil
}

// WithAttrs implements slog.Handler.
func (l activeLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	// The full slice expression keeps two logs made from one apart.
	fields := l.fields[:len(l.fields):len(l.fields)]
	for _, attr := range attrs {
		fields = append(fields, zapField(attr))
	}
	return activeLog{fields}
}

// WithGroup implements slog.Handler.
func (l activeLog) WithGroup(name string) slog.Handler {
	return activeLog{append(l.fields[:len(l.fields):len(l.fields)], zap.Namespace(name))}
}

// zapLevel: slog leaves three levels free between two of zap's.
func zapLevel(level slog.Level) zapcore.Level { return zapcore.Level(level >> 2) }

// zapField resolves what hides itself from logs before zap can look into it.
func zapField(attr slog.Attr) zap.Field { return zap.Any(attr.Key, attr.Value.Resolve().Any()) }

// Interface guard
var _ slog.Handler = activeLog{}

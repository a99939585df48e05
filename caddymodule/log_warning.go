package caddymodule

import (
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// warnUnredacted names the logs of a configuration that requests are written to
// as they came.
func warnUnredacted(ctx caddy.Context, log *slog.Logger) {
	if names := unredactedLogs(configOf(ctx)); len(names) > 0 {
		log.Warn("logs show OAuth 2.0 credentials: proofs and passwords in headers, tokens and codes in URIs; "+
			"add `format oauth2_redact` to the log option and to each log directive", "logs", names)
	}
}

// configOf is the configuration that ctx belongs to, nil when this Caddy keeps it
// elsewhere. Caddy hands it to no module, and modules have no other way to see
// the logs.
func configOf(ctx caddy.Context) *caddy.Config {
	field := reflect.ValueOf(ctx).FieldByName("cfg")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*caddy.Config]() {
		return nil
	}
	return (*caddy.Config)(field.UnsafePointer())
}

// unredactedLogs are the logs that take requests or the errors of handlers and
// whose encoder is not ours, wrapped or wrapping.
func unredactedLogs(config *caddy.Config) []string {
	if config == nil {
		return nil
	}
	logs := map[string]*caddy.CustomLog{caddy.DefaultLoggerName: {}}
	if config.Logging != nil {
		maps.Copy(logs, config.Logging.Logs)
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		log := logs[name]
		if log != nil && takesRequests(log) && !made(log, "encoder", reflect.TypeFor[*RedactEncoder]()) &&
			!made(log, "writerOpener", reflect.TypeFor[*caddy.DiscardWriter]()) {
			names = append(names, name)
		}
	}
	return names
}

// made says whether a module of a log is, or wraps, one of a type. Caddy clears
// what the configuration said of its modules once it has made them.
func made(log *caddy.CustomLog, field string, module reflect.Type) bool {
	return holds(reflect.ValueOf(log).Elem().FieldByName(field), module, 8)
}

func holds(value reflect.Value, wanted reflect.Type, depth int) bool {
	if !value.IsValid() || depth == 0 {
		return false
	}
	if value.Type() == wanted {
		return true
	}
	switch value.Kind() {
	case reflect.Interface, reflect.Pointer:
		return holds(value.Elem(), wanted, depth-1)
	case reflect.Struct:
		for i := range value.NumField() {
			if holds(value.Field(i), wanted, depth-1) {
				return true
			}
		}
	}
	return false
}

// takesRequests says whether entries of http.log reach a log. Names are
// prefixes, as in Caddy.
func takesRequests(log *caddy.CustomLog) bool {
	excluded := slices.ContainsFunc(log.Exclude, func(name string) bool { return name == "http" || name == "http.log" })
	included := len(log.Include) == 0 || slices.ContainsFunc(log.Include, func(name string) bool {
		return name == "http" || name == "http.log" || strings.HasPrefix(name, "http.log.")
	})
	return included && !excluded
}

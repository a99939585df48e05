package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// readAudit reads the option audit. Syntax:
//
//	audit {
//		store
//		keep <duration>
//		off  <event...>
//	}
func (a *App) readAudit(d *caddyfile.Dispenser) error {
	a.Audit = new(Audit)
	return readOnlyBlock(d, "audit", map[string]reader{
		"store": flag(&a.Audit.Store),
		"keep":  span(&a.Audit.Keep),
		"off":   a.Audit.readOff,
	})
}

func (a *Audit) readOff(d *caddyfile.Dispenser) error {
	if err := texts(&a.Off)(d); err != nil {
		return err
	}
	for _, name := range a.Off {
		if !audit.Event(name).Known() {
			return d.Errf("audit has no event %q to switch off; there are %s", name, eventNames())
		}
	}
	return nil
}

// eventNames are all events, for people to choose from.
func eventNames() string {
	events := audit.Events()
	names := make([]string, len(events))
	for i, event := range events {
		names[i] = string(event)
	}
	return strings.Join(names, ", ")
}

package realmtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
)

// Observer records what a realm reports: what it counts, and as audit.Log the
// security events.
type Observer struct {
	mu      sync.Mutex
	answers []string
	records []audit.Record
}

// TokenAnswered records "realm grant_type result".
func (o *Observer) TokenAnswered(realmName, grantType, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = append(o.answers, realmName+" "+grantType+" "+result)
}

// AttemptLimited records "realm kind limited".
func (o *Observer) AttemptLimited(realmName, kind string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = append(o.answers, realmName+" "+kind+" limited")
}

// LogoutTold records "realm logout result".
func (o *Observer) LogoutTold(realmName, result string) {
	o.TokenAnswered(realmName, "logout", result)
}

// Record implements audit.Log.
func (o *Observer) Record(_ context.Context, record audit.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, record)
}

// Answers gives what was counted since the last call.
func (o *Observer) Answers() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	answers := o.answers
	o.answers = nil
	return answers
}

// Told gives the records since the last call, a line each: who did what, and
// every field that is there. IDs that are new each time are a star.
func (o *Observer) Told() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := make([]string, 0, len(o.records))
	for _, r := range o.records {
		star := func(id string) string { return strings.Repeat("*", min(1, len(id))) }
		line := string(r.Actor) + " " + string(r.Event)
		for _, field := range [][2]string{
			{"realm", strings.TrimPrefix(r.Realm, "/")}, {"client", r.ClientID}, {"subject", r.Subject}, {"grant", star(r.GrantID)},
			{"session", star(r.SessionID)}, {"type", r.GrantType}, {"scope", r.Scope},
			{"token", star(r.Details.Get(audit.TokenID))}, {"method", r.Details.Get(audit.Method)}, {"reason", r.Details.Get(audit.Reason)},
		} {
			if field[1] != "" {
				line += fmt.Sprintf(" %s=%s", field[0], field[1])
			}
		}
		if r.Time.IsZero() || r.Realm == "" {
			line += " without time or realm"
		}
		lines = append(lines, line)
	}
	o.records = nil
	return lines
}

// WantTold fails the test unless exactly these lines are Told.
func (o *Observer) WantTold(t testing.TB, lines ...string) {
	t.Helper()
	if told := o.Told(); !slices.Equal(told, append([]string{}, lines...)) {
		t.Errorf("the audit log is told\n\t%s\nwant\n\t%s", strings.Join(told, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// Events gives the events told so far that are no everyday ones.
func (o *Observer) Events() []audit.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := []audit.Event{}
	for i := range o.records {
		if event := o.records[i].Event; event == audit.RefreshGrace || event.Outcome() == audit.Failure {
			events = append(events, event)
		}
	}
	return events
}

// Last is the latest record.
func (o *Observer) Last() audit.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.records) == 0 {
		return audit.Record{}
	}
	return o.records[len(o.records)-1]
}

package realmtest

import (
	"context"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// Observer records what a realm reports.
type Observer struct {
	mu      sync.Mutex
	answers []string
	events  []realm.Event
}

// TokenAnswered records "realm grant_type result".
func (o *Observer) TokenAnswered(realmName, grantType, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = append(o.answers, realmName+" "+grantType+" "+result)
}

// Security records an event.
func (o *Observer) Security(_ context.Context, event realm.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, event)
}

// Answers gives what was counted since the last call.
func (o *Observer) Answers() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	answers := o.answers
	o.answers = nil
	return answers
}

// Events gives the names of the security events so far.
func (o *Observer) Events() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	names := make([]string, len(o.events))
	for i, event := range o.events {
		names[i] = event.Name
	}
	return names
}

// Last is the latest security event.
func (o *Observer) Last() realm.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.events) == 0 {
		return realm.Event{}
	}
	return o.events[len(o.events)-1]
}

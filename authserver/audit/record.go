package audit

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Log is told of security events. Calls are on the path of requests:
// implementations return at once, and cannot fail for the caller. ctx is that of
// the request, if there is one: by it an implementation may know the source.
type Log interface {
	Record(ctx context.Context, record Record)
}

// Discard is a Log that keeps nothing.
type Discard struct{}

// Record does nothing.
func (Discard) Record(context.Context, Record) {}

// Actor is who caused an event.
type Actor string

const (
	// ByClient is a client, in a request of its own.
	ByClient Actor = "client"
	// ByUser is a person who signs in or is signed in.
	ByUser Actor = "user"
	// ByAdmin is an operator, over the admin endpoint or a command.
	ByAdmin Actor = "admin"
	// BySystem is the server of its own accord.
	BySystem Actor = "system"
)

// Record is one security event: when, what, who. What does not apply is "".
type Record struct {
	// ID orders and names the records in a store; those in a log have none.
	ID string `json:"id,omitempty"`
	// Time is when it happened. Default: when it is told.
	Time time.Time `json:"time"`
	// Event is one of the enumeration, Outcome how it went. Default: as the event
	// goes by itself.
	Event   Event   `json:"event"`
	Outcome Outcome `json:"outcome"`
	// Actor is who caused it.
	Actor Actor `json:"actor,omitempty"`
	// Realm, ClientID and Subject are whom it concerns.
	Realm    string `json:"realm,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	Subject  string `json:"subject,omitempty"`
	// GrantID and SessionID (sid) name the grant and the session, for it to be
	// followed.
	GrantID   string `json:"grant_id,omitempty"`
	SessionID string `json:"session_id,omitempty"`
	// GrantType and Scope are those of the tokens.
	GrantType string `json:"grant_type,omitempty"`
	Scope     string `json:"scope,omitempty"`
	// Source is the address that the request came from.
	Source string `json:"source,omitempty"`
	// Node is the host that saw it.
	Node string `json:"node,omitempty"`
	// Details are what only some events have.
	Details Details `json:"details,omitempty"`
}

// With is the record with one detail more.
func (r Record) With(key Key, value string) Record {
	r.Details = append(slices.Clip(r.Details), Detail{key, value})
	return r
}

// The longest texts that a record has, in bytes.
const (
	maxText  = 256
	maxScope = 1024
)

// cut stands at the end of a text that was longer.
const cut = "…"

// Clean bounds every text of a record and takes out of it what could forge
// another line or do something to a terminal. Most records are clean, and cost
// no memory.
func (r *Record) Clean() {
	for _, text := range [...]*string{
		&r.Realm, &r.ClientID, &r.Subject, &r.GrantID, &r.SessionID, &r.GrantType, &r.Source, &r.Node,
	} {
		*text = clean(*text, maxText)
	}
	r.Scope = clean(r.Scope, maxScope)
	for i := range r.Details {
		r.Details[i].Value = clean(r.Details[i].Value, maxText)
	}
}

func clean(text string, longest int) string {
	if len(text) <= longest && plain(text) {
		return text
	}
	text = strings.Map(func(c rune) rune {
		// Not printable is what ends a line, steers a terminal or turns the
		// writing around.
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
	if len(text) <= longest {
		return text
	}
	end := longest - len(cut)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cut
}

// plain says whether a text is printable ASCII.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

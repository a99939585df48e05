package caddymodule

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

const (
	// defaultDenial is how long an entry holds that does not say it, and
	// longestDenial the most that one may.
	defaultDenial = 24 * time.Hour
	longestDenial = 10 * 365 * 24 * time.Hour
	// maxDenialValue bounds the texts of an entry, in bytes.
	maxDenialValue = 1024
)

// denial is an entry of the deny-list: what to put on it, and what is on it. One
// of jti, sub, sid and client is given.
type denial struct {
	// ID names the entry; it is made of what the entry speaks of.
	ID string `json:"id,omitempty"`

	// JTI is one token.
	JTI string `json:"jti,omitempty"`

	// Subject is all tokens of a subject that were issued up to NotBefore.
	Subject string `json:"sub,omitempty"`

	// SessionID is all tokens of a session.
	SessionID string `json:"sid,omitempty"`

	// Client is all tokens of a client that were issued up to NotBefore.
	Client string `json:"client,omitempty"`

	// Issuer limits the entry to tokens of this issuer identifier. Default: the
	// tokens of any.
	Issuer string `json:"issuer,omitempty"`

	// NotBefore spares tokens of a subject or client that were issued later than
	// in that second, at most ten years from now. Default: now.
	NotBefore time.Time `json:"not_before,omitzero"`

	// Expires is the end of the entry; make it later than that of every token
	// that it speaks of. Default: in 24 hours.
	Expires time.Time `json:"expires,omitzero"`

	// ExpiresIn says the same as a duration, such as 90m or 7d. It is never in an
	// answer.
	ExpiresIn string `json:"expires_in,omitempty"`

	// Created is when the entry was made. It is only in answers.
	Created time.Time `json:"created,omitzero"`

	// Warning says why the entry may not do what it is meant to. It is only in
	// answers.
	Warning string `json:"warning,omitempty"`
}

const denialMembers = "jti, sub, sid or client, with issuer, not_before, and expires or expires_in"

// entry checks what an operator asks for.
func (d *denial) entry(now time.Time) (store.Denial, error) {
	entry := store.Denial{Issuer: d.Issuer, Created: now, Expires: d.Expires, NotBefore: d.NotBefore}
	for kind, value := range map[store.DenialKind]string{
		store.DenyToken: d.JTI, store.DenySubject: d.Subject, store.DenySession: d.SessionID, store.DenyClient: d.Client,
	} {
		switch {
		case value == "":
		case entry.Kind != "":
			return entry, badRequest("an entry speaks of one of jti, sub, sid and client; make one entry for each")
		default:
			entry.Kind, entry.Value = kind, value
		}
	}
	whole := entry.Kind == store.DenySubject || entry.Kind == store.DenyClient
	if d.ExpiresIn != "" {
		span, err := caddy.ParseDuration(d.ExpiresIn)
		if err != nil || !d.Expires.IsZero() {
			return entry, badRequest("give expires_in as a duration such as 90m or 7d, or expires as a time, not both")
		}
		entry.Expires = now.Add(span)
	} else if d.Expires.IsZero() {
		entry.Expires = now.Add(defaultDenial)
	}
	if whole && d.NotBefore.IsZero() {
		entry.NotBefore = now
	}
	switch {
	case d.ID != "" || !d.Created.IsZero() || d.Warning != "":
		return entry, badRequest("id, created and warning are not given: members are " + denialMembers)
	case entry.Kind == "":
		return entry, badRequest("an entry needs one of jti, sub, sid and client")
	case len(entry.Value) > maxDenialValue || len(entry.Issuer) > maxDenialValue:
		return entry, badRequest(fmt.Sprintf("no text of an entry has more than %d bytes", maxDenialValue))
	case strings.Contains(entry.Value+entry.Issuer, "\x00"):
		// PostgreSQL cannot keep it, and 503 would say to try again.
		return entry, badRequest("no text of an entry can have a NUL; deny the subject or the client of such a token")
	case whole && (entry.NotBefore.Before(now.Add(-longestDenial)) || entry.NotBefore.After(now.Add(longestDenial))):
		// A year beyond 9999 in UTC has no JSON, and would take the whole list along.
		return entry, badRequest("not_before is a time within ten years of now")
	case !whole && !d.NotBefore.IsZero():
		return entry, badRequest("not_before is for sub and client; jti and sid name what is dead whenever it was issued")
	case !entry.Expires.After(now) || entry.Expires.After(now.Add(longestDenial)):
		return entry, badRequest("an entry ends in the future, within ten years")
	}
	return entry, nil
}

// shown is an entry as operators see it.
func shown(entry introspect.Denial) denial {
	out := denial{ID: entry.ID, Issuer: entry.Issuer, NotBefore: entry.NotBefore, Expires: entry.Expires, Created: entry.Created}
	switch entry.Kind {
	case introspect.DenyToken:
		out.JTI = entry.Value
	case introspect.DenySubject:
		out.Subject = entry.Value
	case introspect.DenySession:
		out.SessionID = entry.Value
	case introspect.DenyClient:
		out.Client = entry.Value
	}
	return out
}

package store

import (
	"context"
	"time"
)

// Logouts are what clients are still to be told: that a session in which they were
// used is over (OpenID Connect Back-Channel Logout). RevokeAll of a session or a
// subject writes them in the step that ends the sessions, one for each session and
// client that was given something in it. They go by themselves after
// LogoutsKept.
type Logouts interface {
	// LeaseLogouts takes up to limit of those that are due, oldest first, and
	// counts an attempt of each. Nobody else gets them before until: who comes to
	// no end leaves them to another node.
	LeaseLogouts(ctx context.Context, now, until time.Time, limit int) ([]Logout, error)
	// PostponeLogout makes one due again at a time, with so many attempts counted.
	PostponeLogout(ctx context.Context, logout Logout, next time.Time) error
	// FinishLogout removes one. An unknown one is no error.
	FinishLogout(ctx context.Context, logout Logout) error
}

// LogoutsKept is for how long clients are told of an end.
const LogoutsKept = time.Hour

// Logout is what one client is to be told of one session.
type Logout struct {
	// ID is that of the row.
	ID                         string
	Realm, SessionID, ClientID string
	// Subject is the sub that the client knows.
	Subject string
	// Attempts counts how often it was leased.
	Attempts int
	// Expires is when nobody will tell the client any more.
	Expires time.Time
}

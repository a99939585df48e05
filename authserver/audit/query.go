package audit

import "time"

// Entry is a record in a store, and when it may be deleted.
type Entry struct {
	Record
	Expires time.Time
}

// Query is which records to read, the newest first. What is left out is not
// asked for.
type Query struct {
	Realm, Subject, ClientID string
	Event                    Event
	// Since is the oldest that is wanted.
	Since time.Time
	// Before is the ID of a record that all others are older than: that of the last
	// of the page before.
	Before string
	// Limit is how many at most.
	Limit int
}

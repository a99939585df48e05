package caddymodule

import (
	"cmp"
	"time"
)

// moment is a time for people, "" for none.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// ends is an end for people; none is never.
func ends(at time.Time) string { return cmp.Or(moment(at), "never") }

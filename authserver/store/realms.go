package store

import (
	"context"
	"time"
)

// Switches are what an operator has switched in a realm while the server runs.
// What is nil or not named is as the configuration says.
type Switches struct {
	Realm string
	// Version is another one after each change.
	Version int64
	// Disabled takes the realm out of service.
	Disabled bool
	// Grants are the grant types that are switched on or off.
	Grants map[string]bool
	// JSONAuthenticate switches /json/…/authenticate.
	JSONAuthenticate *bool
	// Updated is when they were switched.
	Updated time.Time
}

// Realms are the steps of the realms' switches.
type Realms interface {
	// PutSwitches puts a realm's switches in the place of those that have
	// switches.Version, or of any when that is 0, and gives the new version.
	// ErrConflict when the version is another.
	PutSwitches(ctx context.Context, switches Switches) (version int64, err error)
	// SwitchChanges reads which realms were switched after a position (0: all),
	// oldest change first, and gives the position to go on from. No change
	// becomes visible behind a position that was given out.
	SwitchChanges(ctx context.Context, after int64) (changes []Switches, next int64, err error)
}

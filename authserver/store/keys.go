package store

import (
	"context"
	"time"
)

// EncryptionKeyCheck is the name under which the check value of the operator's
// key that wraps now is remembered. RewrapKeys moves it.
const EncryptionKeyCheck = "encryption_key_check"

// Keys is how a Store keeps keys. Of nodes that take the same step at the same
// time one succeeds, and all others learn that it is done.
type Keys interface {
	// Keys lists the keys of a realm, retired ones included, oldest first.
	Keys(ctx context.Context, realm string) ([]Key, error)
	// KeyChanges tells the realms whose keys have changed after a position (0: all
	// that have keys) and gives the position to go on from. No change becomes
	// visible behind a position that was given out.
	KeyChanges(ctx context.Context, after int64) (realms []string, next int64, err error)

	// CreateKey stores a new active key unless the realm already has an active
	// one of this purpose and algorithm: racing nodes end with exactly one.
	// It returns the key that is active afterwards. Like every step that stores a
	// wrapped key it fails when another operator's key wraps by now.
	CreateKey(ctx context.Context, key Key) (Key, error)
	// AddNextKey stores the key that is to follow the active one of its purpose
	// and algorithm. ErrExists when there is one already.
	AddNextKey(ctx context.Context, key Key) error
	// PromoteKey makes a next key active, and the active one of its purpose and
	// algorithm retiring, if it has been next since waited or longer. ErrNotFound
	// when it is not next, or not for so long.
	PromoteKey(ctx context.Context, realm, id string, waited, now time.Time) error
	// RetireKey ends a retiring key that has been so since waited or longer, and
	// erases its secret. ErrNotFound when it is not retiring, or not for so long.
	RetireKey(ctx context.Context, realm, id string, waited, now time.Time) error
	// RemoveKey ends a key in whatever state and erases its secret. In place of an
	// active one the next of its purpose and algorithm becomes active, or else
	// successor does; nil leaves none. ErrNotFound when there is no such key or it
	// is retired.
	RemoveKey(ctx context.Context, realm, id string, successor *Key, now time.Time) error
	// RestampKey sets the Since of a key to now if it is later than limit: it was
	// written by a clock that went wrong. ErrNotFound when it is not.
	RestampKey(ctx context.Context, realm, id string, limit, now time.Time) error

	// RewrapKeys gives every key that is not sealed with the operator's key of the
	// check value to what rewrap makes of it, and from then on that key wraps: all
	// of it or nothing. It says how many rows it changed.
	RewrapKeys(ctx context.Context, to string, rewrap func(Key) (wrapped []byte, err error)) (changed int, err error)
}

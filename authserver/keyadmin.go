package authserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// ErrUnknownRealm is a realm that no configuration of this process has.
var ErrUnknownRealm = errors.New("there is no such realm in this process")

// KeyRing is the keys of a realm as an operator sees them.
type KeyRing struct {
	Realm string
	Rows  []store.Key // without their secret parts
	Steps []keys.Step // what comes next
	// External are the keys that are not in the store, and which of them sign.
	External []keys.External
	Signing  []bool
}

// KeyRings shows the keys of all realms, as this node knows them.
func (b *Backend) KeyRings() []KeyRing {
	var out []KeyRing
	for _, value := range b.rings.byRealm.Range {
		ring := value.(*keys.Ring)
		shown := KeyRing{Realm: ring.Realm(), Rows: ring.Rows(), Steps: ring.Steps()}
		shown.External, shown.Signing = ring.External()
		out = append(out, shown)
	}
	return out
}

// RotateKey begins to replace the active key of a kind, or with atOnce ends that
// too. It gives the key that comes next, or with atOnce the one that is active.
func (b *Backend) RotateKey(ctx context.Context, realmName string, kind keys.Kind, atOnce bool) (store.Key, error) {
	ring, ok := b.openRing(realmName)
	if !ok {
		return store.Key{}, ErrUnknownRealm
	}
	return ring.Rotate(ctx, kind, atOnce, b.now())
}

// RetireKey ends a retiring key before its time.
func (b *Backend) RetireKey(ctx context.Context, realmName, id string) error {
	return b.endKey(realmName, func(ring *keys.Ring, now time.Time) error { return ring.Retire(ctx, id, now) })
}

// RemoveKey ends a key at once, whatever it is used for.
func (b *Backend) RemoveKey(ctx context.Context, realmName, id string) error {
	return b.endKey(realmName, func(ring *keys.Ring, now time.Time) error { return ring.Remove(ctx, id, now) })
}

func (b *Backend) endKey(realmName string, end func(*keys.Ring, time.Time) error) error {
	ring, ok := b.openRing(realmName)
	if !ok {
		return ErrUnknownRealm
	}
	return end(ring, b.now())
}

// RewrapKeys seals every private key in the store with the configured encryption
// key and says how many it sealed anew.
func (b *Backend) RewrapKeys(ctx context.Context) (changed int, err error) {
	changed, err = b.wrapper.Rewrap(ctx, b.store)
	if err != nil {
		return 0, fmt.Errorf("nothing was changed: %w", err)
	}
	b.Tell(ctx, audit.Record{Event: audit.EncryptionKeyRewrapped}.With(audit.Count, strconv.Itoa(changed)))
	return changed, nil
}

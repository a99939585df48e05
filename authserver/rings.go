package authserver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Names that stand where that of a realm does. Realms' begin with a slash, so
// these can be none of them.
const (
	assertionRealm = "identity-assertion"
	nonceRealm     = ""
)

// rings are the keys that configurations have asked for, read once for all of
// them and then followed.
type rings struct {
	opening  sync.Mutex // one ring is opened at a time
	byRealm  sync.Map   // realm -> *keys.Ring
	position int64      // how far the changes were read; only who reads the logs uses it
	clock    clock      // of the rotation
}

// realmKeys gives the keys of a realm as its settings want them.
func (b *Backend) realmKeys(ctx context.Context, settings *realm.Settings) (*keys.Ring, error) {
	external, err := b.published(ctx, settings.Name, settings.Signers)
	if err != nil {
		return nil, err
	}
	return b.ring(ctx, settings.Name, keys.Demand{
		Kinds: keys.RealmKinds(signingAlgorithms(settings, b.clients.book(settings.Name))...), External: external, Every: settings.KeyRotation,
	})
}

// published says since when all nodes have published external keys: each is
// remembered by the first node that has it.
func (b *Backend) published(ctx context.Context, realmName string, signers []keys.External) ([]keys.External, error) {
	external := make([]keys.External, 0, len(signers))
	for _, key := range signers {
		stored, err := b.store.Remember(ctx, "signer "+realmName+" "+key.KeyID(), strconv.FormatInt(b.now().Unix(), 10))
		if err != nil {
			return nil, fmt.Errorf("signer %s of realm %s: %w", key.KeyID(), realmName, err)
		}
		since, err := strconv.ParseInt(stored, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("signer %s of realm %s: what is remembered of it is not a time", key.KeyID(), realmName)
		}
		key.Since = time.Unix(since, 0)
		external = append(external, key)
	}
	return external, nil
}

// ring gives keys as demand wants them.
func (b *Backend) ring(ctx context.Context, name string, demand keys.Demand) (*keys.Ring, error) {
	b.rings.opening.Lock()
	defer b.rings.opening.Unlock()
	ring, known := b.openRing(name)
	if !known {
		ring = keys.NewRing(toldKeys{b.store, b.Tell}, b.wrapper, name)
	}
	if err := ring.Want(ctx, demand, b.now()); err != nil {
		return nil, fmt.Errorf("keys of realm %s: %w", name, err)
	}
	if known {
		return ring, nil
	}
	b.rings.byRealm.Store(name, ring)
	// A change that was told before the ring stood in the list would be missed.
	if err := ring.Reload(ctx, b.now()); err != nil {
		return nil, fmt.Errorf("keys of realm %s: %w", name, err)
	}
	return ring, nil
}

func (b *Backend) openRing(name string) (*keys.Ring, bool) {
	ring, ok := b.rings.byRealm.Load(name)
	if !ok {
		return nil, false
	}
	return ring.(*keys.Ring), true
}

// single gives a ring that no configuration has a say in.
func (b *Backend) single(ctx context.Context, name string, kind keys.Kind) (*keys.Ring, error) {
	if ring, ok := b.openRing(name); ok {
		return ring, nil
	}
	return b.ring(ctx, name, keys.Demand{Kinds: []keys.Kind{kind}, Every: keys.DefaultRotation})
}

// AssertionKeys gives the keys that a gateway signs identity assertions with. All
// nodes on one store share them.
func (b *Backend) AssertionKeys(ctx context.Context) (*keys.Ring, error) {
	return b.single(ctx, assertionRealm, keys.SigningKinds(oauth.ES256)[0])
}

// refreshKeys reads the keys of the realms of which some have changed. What
// cannot be read, or opened, is tried again.
func (b *Backend) refreshKeys(ctx context.Context) error {
	changed, next, err := b.store.KeyChanges(ctx, b.rings.position)
	if err != nil {
		return err
	}
	var faults []error
	for _, name := range changed {
		if ring, ok := b.openRing(name); ok {
			faults = append(faults, ring.Reload(ctx, b.now()))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("some keys cannot be used here, and those that were read before go on. If they were wrapped with a new encryption key, "+
			"put that into the configuration of this node and load it: %w", err)
	}
	b.rings.position = next
	return nil
}

// checkWrapper sees to it that the store's private keys can be opened.
func checkWrapper(ctx context.Context, st store.Store, wrapper *keys.Wrapper) error {
	wraps, err := st.Remember(ctx, store.EncryptionKeyCheck, wrapper.CheckValue())
	if err != nil {
		return fmt.Errorf("reading the check value of the encryption key: %w", err)
	}
	if !wrapper.Opens(wraps) {
		return errors.New("the encryption key is not the one that this database's private keys were wrapped with; " +
			"restore the old key (as encryption_key, or as previous_encryption_key beside a new one), or start with an empty database")
	}
	return nil
}

// UseEncryptionKey lets a wrapper that opens this store's keys be the one that is
// configured. What could be opened before can be opened still.
func (b *Backend) UseEncryptionKey(ctx context.Context, wrapper *keys.Wrapper) error {
	if err := checkWrapper(ctx, b.store, wrapper.WithPrevious(b.wrapper)); err != nil {
		return err
	}
	b.wrapper.Adopt(wrapper)
	var faults []error
	for _, ring := range b.rings.byRealm.Range {
		faults = append(faults, ring.(*keys.Ring).Reload(ctx, b.now()))
	}
	return errors.Join(faults...)
}

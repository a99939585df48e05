package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var (
	// ErrUnknownKey is a kid that no stored key of the realm has, or one that is
	// retired already.
	ErrUnknownKey = errors.New("there is no such key")
	// ErrActiveKey is a key that cannot be retired because it is in use.
	ErrActiveKey = errors.New("the key is active: rotate first, and retire it when another has taken its place")
	// ErrNextKey is a key that cannot be retired because it was never used.
	ErrNextKey = errors.New("the key is the next one and was never used: remove it, or let it become active")
	// ErrUnknownKind is a purpose and algorithm that the realm has no key of.
	ErrUnknownKind = errors.New("the realm has no active key of this purpose and algorithm in the store")
	// ErrTooManyKeys is a realm whose key set would be more than verifiers read.
	ErrTooManyKeys = fmt.Errorf("the realm publishes %d keys, which is as many as verifiers can be asked to read: retire some first", maxPublished)
)

// Due are the steps whose time has come.
func (r *Ring) Due(now time.Time) []Step { return due(r.Steps(), now) }

// Stale says whether an external key should sign by now that does not yet.
func (r *Ring) Stale(now time.Time) bool {
	changes := r.current.Load().changes
	return !changes.IsZero() && !changes.After(now)
}

// Steps are what comes next for each key.
func (r *Ring) Steps() []Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	return plan(r.current.Load().rows, r.demand.stored(), r.demand.Every)
}

// Rows are the keys in the store, retired ones included, without their secret
// parts.
func (r *Ring) Rows() []store.Key { return slices.Clone(r.current.Load().rows) }

// External are the keys that are not in the store, and which of them sign.
func (r *Ring) External() (keys []External, signing []bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys, signing = slices.Clone(r.demand.External), make([]bool, len(r.demand.External))
	for i, key := range keys {
		signing[i] = r.current.Load().signers[key.Algorithm()].KeyID == key.KeyID()
	}
	return keys, signing
}

// Take does a step that is due, unless another node has: done says whether it
// was this one.
func (r *Ring) Take(ctx context.Context, step Step, now time.Time) (done bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := step.Key.ID
	switch step.Action {
	case Replace:
		err = r.addNext(ctx, kindOf(step.Key), now)
	case Promote:
		err = r.store.PromoteKey(ctx, r.realm, id, now.Add(-wait(step.Key.Purpose)), now)
	case Retire:
		err = r.store.RetireKey(ctx, r.realm, id, now.Add(-keepRetiring), now)
	default:
		err = r.store.RestampKey(ctx, r.realm, id, now.Add(impossible), now)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.reload(ctx, now)
}

// Rotate begins to replace the active key of a kind: the next one is published
// and becomes active by itself when everybody knows it. At once makes it active
// without waiting, for emergencies. It gives the next key, or with at once the
// active one.
func (r *Ring) Rotate(ctx context.Context, kind Kind, atOnce bool, now time.Time) (store.Key, error) {
	state := store.KeyNext
	err := r.change(ctx, now, func() error {
		if _, ok := r.find(func(key store.Key) bool { return kindOf(key) == kind && key.State == store.KeyActive }); !ok {
			return ErrUnknownKind
		}
		if kind.Purpose == store.KeySign && len(r.current.Load().public) >= maxPublished {
			return ErrTooManyKeys
		}
		// One that is there already is the one to go on with.
		if err := r.addNext(ctx, kind, now); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
		if !atOnce {
			return nil
		}
		if err := r.reload(ctx, now); err != nil {
			return err
		}
		state = store.KeyActive
		next, ok := r.find(func(key store.Key) bool { return kindOf(key) == kind && key.State == store.KeyNext })
		if !ok {
			return nil // somebody else was faster
		}
		// Whatever the clocks say: no key waits from here on.
		err := r.store.PromoteKey(ctx, r.realm, next.ID, later(now, next.Since), now)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return store.Key{}, err
	}
	key, ok := r.find(func(key store.Key) bool { return kindOf(key) == kind && key.State == state })
	if !ok {
		return store.Key{}, fmt.Errorf("the next %s key of realm %s has gone meanwhile", kind.Purpose, r.realm)
	}
	return key, nil
}

// Retire ends a retiring key before its time.
func (r *Ring) Retire(ctx context.Context, id string, now time.Time) error {
	return r.change(ctx, now, func() error {
		key, ok := r.find(func(key store.Key) bool { return key.ID == id })
		if !ok {
			return ErrUnknownKey
		}
		switch key.State {
		case store.KeyActive:
			return ErrActiveKey
		case store.KeyNext:
			return ErrNextKey
		}
		err := r.store.RetireKey(ctx, r.realm, id, later(now, key.Since), now)
		if errors.Is(err, store.ErrNotFound) {
			return ErrUnknownKey
		}
		return err
	})
}

// Remove ends a key at once, whatever it is used for: what it has made is
// refused from now on. In place of an active one the next becomes active, or a
// new one.
func (r *Ring) Remove(ctx context.Context, id string, now time.Time) error {
	return r.change(ctx, now, func() error {
		key, ok := r.find(func(key store.Key) bool { return key.ID == id })
		if !ok {
			return ErrUnknownKey
		}
		var successor *store.Key
		if kind := kindOf(key); key.State == store.KeyActive && slices.Contains(r.demand.stored(), kind) {
			made, err := r.make(ctx, kind, now)
			if err != nil {
				return err
			}
			successor = &made
		}
		err := r.store.RemoveKey(ctx, r.realm, id, successor, now)
		if errors.Is(err, store.ErrNotFound) {
			return ErrUnknownKey
		}
		return err
	})
}

// change takes steps on the keys as they are in the store, and reads what came
// of them: this node knows at once.
func (r *Ring) change(ctx context.Context, now time.Time, step func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reload(ctx, now); err != nil {
		return err
	}
	if err := step(); err != nil {
		return err
	}
	return r.reload(ctx, now)
}

func (r *Ring) addNext(ctx context.Context, kind Kind, now time.Time) error {
	key, err := r.make(ctx, kind, now)
	if err != nil {
		return err
	}
	key.State = store.KeyNext
	return r.store.AddNextKey(ctx, key)
}

func (r *Ring) find(is func(store.Key) bool) (store.Key, bool) {
	for _, key := range r.current.Load().rows {
		if is(key) {
			return key, true
		}
	}
	return store.Key{}, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

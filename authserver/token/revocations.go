package token

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 7009 §2.1

const (
	// lateCommit is how long an entry may take to become visible after others
	// that stand behind it in the log: what was read within it is read again.
	lateCommit = 10 * time.Second
	// keepExpired is how long an entry outlives the tokens it speaks of, so that
	// a reader who forgives a little clock skew still finds it.
	keepExpired = 2 * time.Minute
	// pruneEvery spaces out the walks over the whole set.
	pruneEvery = time.Minute
	// unlogged is how long a grant revoked here stands in the set before the log
	// has told its end.
	unlogged = time.Hour
)

// Revocations is the set of what has been revoked and could still be alive: in
// memory, filled from the store's log. Looking something up takes no lock and
// allocates nothing.
type Revocations struct {
	store store.Store
	// expires has the unix second after which a revocation says nothing more.
	expires sync.Map // revoked -> int64
	epoch   atomic.Uint64
	ready   atomic.Bool

	mu     sync.Mutex // one Refresh at a time
	read   []mark
	pruned time.Time
}

// revoked is one token or grant of a realm.
type revoked struct {
	realm string
	kind  store.RevocationKind
	key   string
}

// mark is how far the log had been read at a time.
type mark struct {
	at       time.Time
	position int64
}

// NewRevocations makes a set that is not Ready until the first Refresh.
func NewRevocations(st store.Store) *Revocations { return &Revocations{store: st} }

// Refresh reads what is new in the log and drops what has expired. On an error
// the set stays as it is: what is known to be revoked stays so.
func (r *Revocations) Refresh(ctx context.Context, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	position := r.resume(now)
	for {
		entries, next, err := r.store.Revocations(ctx, position, now.Add(-keepExpired))
		if err != nil {
			return fmt.Errorf("read the revocation log: %w", err)
		}
		for _, entry := range entries {
			r.add(revoked{entry.Realm, entry.Kind, entry.Key}, entry.Expires, true)
		}
		if next <= position {
			break
		}
		position = next
	}
	r.read = append(r.read, mark{now, position})
	r.prune(now)
	r.ready.Store(true)
	return nil
}

// resume gives the position to read from: how far the log had been read so long
// ago that nothing before it can still come, or its start. Older marks are done
// with.
func (r *Revocations) resume(now time.Time) int64 {
	for i, m := range slices.Backward(r.read) {
		if now.Sub(m.at) >= lateCommit {
			r.read = slices.Delete(r.read, 0, i)
			return m.position
		}
	}
	return 0
}

// prune drops what can no longer matter.
func (r *Revocations) prune(now time.Time) {
	if since := now.Sub(r.pruned); since >= 0 && since < pruneEvery {
		return
	}
	r.pruned = now
	end := now.Add(-keepExpired).Unix()
	r.expires.Range(func(key, expires any) bool {
		if expires.(int64) < end {
			r.expires.Delete(key)
		}
		return true
	})
}

// add puts one revocation into the set. logged says that expires comes from the
// log, whose word is final. The epoch changes after the set: who reads the
// epoch first and the set second can miss a revocation only under an old epoch.
func (r *Revocations) add(key revoked, expires time.Time, logged bool) {
	seconds := expires.Unix()
	known, there := r.expires.LoadOrStore(key, seconds)
	if !there {
		r.epoch.Add(1)
	} else if logged && known != seconds {
		r.expires.Store(key, seconds)
	}
}

// Ready says whether the log has been read once.
func (r *Revocations) Ready() bool { return r.ready.Load() }

// Epoch changes with every new revocation.
func (r *Revocations) Epoch() uint64 { return r.epoch.Load() }

// Revoked says whether a token is dead: by itself or with its grant.
func (r *Revocations) Revoked(realm, tokenID, grantID string) bool {
	if _, dead := r.expires.Load(revoked{realm, store.RevokedToken, tokenID}); dead {
		return true
	}
	if grantID == "" {
		return false
	}
	_, dead := r.expires.Load(revoked{realm, store.RevokedGrant, grantID})
	return dead
}

// RevokeToken ends one access token: in the store, then here at once. expires
// is the token's own.
func (r *Revocations) RevokeToken(ctx context.Context, realm, tokenID string, expires, now time.Time) error {
	if err := r.store.RevokeToken(ctx, realm, tokenID, expires, now); err != nil {
		return err
	}
	r.add(revoked{realm, store.RevokedToken, tokenID}, expires, false)
	return nil
}

// RevokeGrant ends a grant with all its tokens: in the store, then here at
// once. After a step of the store that has revoked a grant itself (ErrReplayed)
// it makes that known here; repeating it is harmless.
func (r *Revocations) RevokeGrant(ctx context.Context, realm, grantID string, now time.Time) error {
	if err := r.store.RevokeGrant(ctx, realm, grantID, now); err != nil {
		return err
	}
	r.add(revoked{realm, store.RevokedGrant, grantID}, now.Add(unlogged), false)
	return nil
}

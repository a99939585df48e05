package token

import (
	"context"
	"fmt"
	"math"
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
	store store.Revocations
	set   sync.Map // revoked -> revocation
	// wide counts the entries that speak of more than one grant: while there are
	// none, nobody looks for them.
	wide  atomic.Int64
	epoch atomic.Uint64
	ready atomic.Bool

	mu     sync.Mutex // one Refresh at a time
	read   []mark
	pruned time.Time
}

// revoked is what an entry of the log speaks of. client stands beside a subject
// whose consent was revoked.
type revoked struct {
	realm       string
	kind        store.RevocationKind
	key, client string
}

// revocation is what the entry says of it, in unix seconds: what began later than
// notBefore is spared, and after expires it says nothing more.
type revocation struct{ notBefore, expires int64 }

// mark is how far the log had been read at a time.
type mark struct {
	at       time.Time
	position int64
}

// NewRevocations makes a set that is not Ready until the first Refresh.
func NewRevocations(st store.Revocations) *Revocations { return &Revocations{store: st} }

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
			r.add(keyOf(&entry), said(&entry), true)
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

// Position is how far the log was read.
func (r *Revocations) Position() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.read) == 0 {
		return 0
	}
	return r.read[len(r.read)-1].position
}

// Rewind has the next Refresh read the whole log. What is known stays known.
func (r *Revocations) Rewind() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = nil
}

// prune drops what can no longer matter.
func (r *Revocations) prune(now time.Time) {
	if since := now.Sub(r.pruned); since >= 0 && since < pruneEvery {
		return
	}
	r.pruned = now
	end := now.Add(-keepExpired).Unix()
	r.set.Range(func(key, known any) bool {
		if known.(revocation).expires < end && r.set.CompareAndDelete(key, known) && key.(revoked).wide() {
			r.wide.Add(-1)
		}
		return true
	})
}

// keyOf and said take an entry of the log apart.
func keyOf(entry *store.Revocation) revoked {
	return revoked{entry.Realm, entry.Kind, entry.Key, entry.ClientID}
}

func said(entry *store.Revocation) revocation {
	if entry.NotBefore.IsZero() {
		return revocation{math.MaxInt64, entry.Expires.Unix()}
	}
	return revocation{entry.NotBefore.Unix(), entry.Expires.Unix()}
}

// wide says whether an entry may end more than one grant.
func (key revoked) wide() bool {
	return key.kind != store.RevokedToken && key.kind != store.RevokedGrant
}

// add puts one revocation into the set. logged says that its expiry comes from
// the log, whose word is final. Times before which all is dead only move on. The
// epoch changes after the set: who reads the epoch first and the set second can
// miss a revocation only under an old epoch.
func (r *Revocations) add(key revoked, entry revocation, logged bool) {
	if key.wide() {
		r.wide.Add(1) // before it is there, so that nobody who finds it looks too little
	}
	for {
		known, there := r.set.LoadOrStore(key, entry)
		if !there {
			r.epoch.Add(1)
			return
		}
		old := known.(revocation)
		next := revocation{max(old.notBefore, entry.notBefore), old.expires}
		if key.wide() {
			next.expires = max(old.expires, entry.expires)
		} else if logged {
			next.expires = entry.expires
		}
		if !r.set.CompareAndSwap(key, known, next) {
			continue
		}
		if key.wide() {
			r.wide.Add(-1)
		}
		if next.notBefore != old.notBefore {
			r.epoch.Add(1)
		}
		return
	}
}

// Ready says whether the log has been read once.
func (r *Revocations) Ready() bool { return r.ready.Load() }

// Epoch changes with every new revocation.
func (r *Revocations) Epoch() uint64 { return r.epoch.Load() }

// Revoked says whether a token, or a grant, is dead: by itself or with all that
// it came of.
func (r *Revocations) Revoked(realm string, of Lineage) bool { return r.Cause(realm, of) != 0 }

// Cause is what a revocation speaks of that has ended a token or a grant; 0 when
// none has. A time before which all is dead is a whole second, and what began in
// that second counts as before it.
func (r *Revocations) Cause(realm string, of Lineage) store.RevocationKind {
	switch {
	case r.covers(revoked{realm, store.RevokedToken, of.ID, ""}, 0):
		return store.RevokedToken
	case r.covers(revoked{realm, store.RevokedGrant, of.GrantID, ""}, 0):
		return store.RevokedGrant
	case r.wide.Load() == 0:
		return 0
	case r.covers(revoked{realm, store.RevokedSession, of.SessionID, ""}, 0):
		return store.RevokedSession
	case r.covers(revoked{realm, store.RevokedSubject, of.Subject, ""}, of.signedIn()):
		return store.RevokedSubject
	}
	granted := of.granted()
	switch {
	case r.covers(revoked{realm, store.RevokedClient, of.ClientID, ""}, granted):
		return store.RevokedClient
	case r.covers(revoked{realm, store.RevokedConsent, of.Subject, of.ClientID}, granted):
		return store.RevokedConsent
	}
	return 0
}

// covers says whether there is an entry for what began in a second.
func (r *Revocations) covers(key revoked, began int64) bool {
	if key.key == "" {
		return false
	}
	known, there := r.set.Load(key)
	return there && began <= known.(revocation).notBefore
}

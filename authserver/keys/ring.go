package keys

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Ring is the keys of one realm, opened, as they are now: whoever holds it sees
// every change that has been read from the store. Reading takes no lock. It is
// safe for concurrent use.
type Ring struct {
	store   store.Store
	wrapper *Wrapper
	realm   string
	current atomic.Pointer[snapshot]

	// mu lets in one change or reading at a time, so that no older reading lays
	// itself over a newer one.
	mu     sync.Mutex
	demand Demand
}

// Demand is what a realm asks of its keys.
type Demand struct {
	// Kinds are the keys that there must be. Signing algorithms that External has
	// keys of need none.
	Kinds []Kind
	// External are the private keys that are not in the store; of those of one
	// algorithm the first that has been published for long enough signs.
	External []External
	// Every is the age at which a key is replaced, 0 for never.
	Every time.Duration
}

// Signer is a private key ready to sign.
type Signer struct {
	KeyID     string
	Algorithm string
	Key       crypto.Signer
}

// Secret is a symmetric key of 32 bytes.
type Secret struct {
	ID  string
	Key []byte
}

// Open loads the keys of a realm and makes those that are missing: one signing
// key for each of algorithms and one key for each symmetric purpose. Nodes that
// open a new realm at the same time end with the same keys.
func Open(ctx context.Context, st store.Store, wrapper *Wrapper, realm string, algorithms []string, now time.Time) (*Ring, error) {
	r := NewRing(st, wrapper, realm)
	return r, r.Want(ctx, Demand{Kinds: RealmKinds(algorithms...)}, now)
}

// NewRing makes the Ring of a realm, without keys until Want.
func NewRing(st store.Store, wrapper *Wrapper, realm string) *Ring {
	r := &Ring{store: st, wrapper: wrapper, realm: realm}
	r.current.Store(&snapshot{})
	return r
}

// Want reads the keys and makes those that are missing. Kinds that were wanted
// before are wanted still: what an earlier configuration signed with must
// verify, and another that is live may need it.
func (r *Ring) Want(ctx context.Context, demand Demand, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, kind := range r.demand.Kinds {
		if !slices.Contains(demand.Kinds, kind) {
			demand.Kinds = append(demand.Kinds, kind)
		}
	}
	rows, err := r.store.Keys(ctx, r.realm)
	if err != nil {
		return fmt.Errorf("list the keys of realm %s: %w", r.realm, err)
	}
	for _, kind := range demand.stored() {
		active := func(row store.Key) bool { return row.State == store.KeyActive && kindOf(row) == kind }
		if slices.ContainsFunc(rows, active) {
			continue
		}
		key, err := r.make(ctx, kind, now)
		if err != nil {
			return err
		}
		// The store decides whose key it is when several nodes make one.
		if key, err = r.store.CreateKey(ctx, key); err != nil {
			return fmt.Errorf("store a key of realm %s: %w", r.realm, err)
		}
		rows = append(rows, key)
	}
	s, err := take(rows, demand.External, r.wrapper, r.current.Load(), now)
	if err != nil {
		return err
	}
	r.demand = demand
	r.current.Store(s)
	return nil
}

// stored are the kinds of which the store must have an active key.
func (d Demand) stored() []Kind {
	return slices.DeleteFunc(slices.Clone(d.Kinds), func(kind Kind) bool {
		return kind.Purpose == store.KeySign && slices.ContainsFunc(d.External, func(e External) bool { return e.Algorithm() == kind.Algorithm })
	})
}

// make makes a key of the realm that is not stored yet.
func (r *Ring) make(ctx context.Context, kind Kind, now time.Time) (store.Key, error) {
	operators, err := r.wrapper.sealing(ctx, r.store)
	if err != nil {
		return store.Key{}, fmt.Errorf("make a key for realm %s: %w", r.realm, err)
	}
	key, err := newKey(operators, r.realm, kind, now)
	if err != nil {
		return store.Key{}, fmt.Errorf("make a key for realm %s: %w", r.realm, err)
	}
	return key, nil
}

// Reload reads the keys as they are in the store now. Of those that cannot be
// opened the error says which; all others are as they should be, and the key
// that was active before goes on until it is retired.
func (r *Ring) Reload(ctx context.Context, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reload(ctx, now)
}

func (r *Ring) reload(ctx context.Context, now time.Time) error {
	rows, err := r.store.Keys(ctx, r.realm)
	if err != nil {
		return fmt.Errorf("list the keys of realm %s: %w", r.realm, err)
	}
	s, err := take(rows, r.demand.External, r.wrapper, r.current.Load(), now)
	r.current.Store(s)
	return err
}

// Realm is the realm whose keys these are.
func (r *Ring) Realm() string { return r.realm }

// Signer gives the active signing key of an algorithm.
func (r *Ring) Signer(algorithm string) (Signer, error) {
	signer, ok := r.current.Load().signers[algorithm]
	if !ok {
		return Signer{}, fmt.Errorf("realm %s has no %s key to sign with", r.realm, algorithm)
	}
	return signer, nil
}

// VerifyKey finds a public key of this realm by kid: the active, the next and
// the retiring ones.
func (r *Ring) VerifyKey(keyID string) (oauth.VerifyKey, bool) {
	key, ok := r.current.Load().verify[keyID]
	return key, ok
}

// JWKS is the public key set as published (RFC 7517), with its strong ETag.
// The document is shared: callers only read it.
func (r *Ring) JWKS() (document []byte, etag string) {
	s := r.current.Load()
	return s.jwks, s.etag
}

// Secret gives the active symmetric key of a purpose. Want has seen to it that
// there is one.
func (r *Ring) Secret(purpose store.KeyPurpose) Secret {
	if usable := r.current.Load().usable[purpose]; len(usable) > 0 {
		return usable[0]
	}
	return Secret{}
}

// Secrets gives the symmetric keys of a purpose that are accepted, the active
// one first. Callers only read the list.
func (r *Ring) Secrets(purpose store.KeyPurpose) []Secret { return r.current.Load().usable[purpose] }

// SecretByID finds a symmetric key of a purpose by its id: the active, the next
// and the retiring ones.
func (r *Ring) SecretByID(purpose store.KeyPurpose, id string) (Secret, bool) {
	secret, ok := r.current.Load().secrets[secretName{purpose, id}]
	return secret, ok
}

// Generation changes when a key is taken away: what rests on one that is read
// before a token is verified rests on keys that are still good.
func (r *Ring) Generation() uint64 { return r.current.Load().generation }

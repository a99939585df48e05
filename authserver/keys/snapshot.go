package keys

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// snapshot is the keys of one realm at a moment, opened. It is immutable.
type snapshot struct {
	signers map[string]Signer // by algorithm
	verify  map[string]oauth.VerifyKey
	secrets map[secretName]Secret
	// usable has the symmetric keys of a purpose, the active one first.
	usable map[store.KeyPurpose][]Secret
	public []publicKey
	jwks   []byte
	etag   string
	// generation counts how often a key was taken away.
	generation uint64
	// rows are the keys as stored, without their wrapped part.
	rows   []store.Key
	opened map[openedName]opened
	// changes is when an external key begins to sign; zero for no such time.
	changes time.Time
}

type secretName struct {
	purpose store.KeyPurpose
	id      string
}

// openedName has all that a wrapped key is bound to.
type openedName struct {
	kind Kind
	id   string
}

// opened is what was wrapped: a private key or a secret.
type opened struct {
	signer Signer
	verify oauth.VerifyKey
	secret Secret
}

// open gives what a row holds: as it was opened before, for a key never changes
// while it lives, or by the wrapper.
func open(row store.Key, wrapper *Wrapper, known map[openedName]opened) (opened, error) {
	if o, ok := known[openedName{kindOf(row), row.ID}]; ok {
		return o, nil
	}
	secret, err := wrapper.unwrap(row)
	if err != nil {
		return opened{}, fmt.Errorf("key %s of realm %s cannot be opened: %w", row.ID, row.Realm, err)
	}
	if row.Purpose != store.KeySign {
		if len(secret) != symmetricBytes {
			return opened{}, fmt.Errorf("key %s of realm %s cannot be used: it has %d bytes, want %d", row.ID, row.Realm, len(secret), symmetricBytes)
		}
		return opened{secret: Secret{ID: row.ID, Key: secret}}, nil
	}
	private, err := parsePrivateKey(secret)
	if err != nil {
		return opened{}, fmt.Errorf("key %s of realm %s cannot be used: %w", row.ID, row.Realm, err)
	}
	verify, err := oauth.NewVerifyKey(row.ID, row.Algorithm, private.Public())
	if err != nil {
		return opened{}, fmt.Errorf("key %s of realm %s cannot be used: %w", row.ID, row.Realm, err)
	}
	return opened{signer: Signer{KeyID: row.ID, Algorithm: row.Algorithm, Key: private}, verify: verify}, nil
}

// take makes a snapshot of stored keys, after the one before it. Keys that
// cannot be opened are left out, and the error says which.
func take(rows []store.Key, external []External, wrapper *Wrapper, before *snapshot, now time.Time) (*snapshot, error) {
	s := &snapshot{
		signers: map[string]Signer{},
		verify:  map[string]oauth.VerifyKey{},
		secrets: map[secretName]Secret{},
		usable:  map[store.KeyPurpose][]Secret{},
		opened:  map[openedName]opened{},
		rows:    slices.Clone(rows),
	}
	var faults []error
	slices.SortStableFunc(rows, byUse)
	for i := range s.rows {
		s.rows[i].Wrapped = nil
	}
	for _, row := range rows {
		if row.State == store.KeyRetired {
			continue
		}
		o, err := open(row, wrapper, before.opened)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.add(row, o)
	}
	s.addExternal(external, now)
	s.keep(before)
	for id := range before.verify {
		if _, still := s.verify[id]; !still {
			s.generation = before.generation + 1
		}
	}
	for id := range before.secrets {
		if _, still := s.secrets[id]; !still {
			s.generation = before.generation + 1
		}
	}
	s.generation = max(s.generation, before.generation)
	for i := range s.public {
		key := &s.public[i]
		key.active = s.signers[key.algorithm].KeyID == key.id
	}
	var err error
	if s.jwks, s.etag, err = publish(s.public); err != nil {
		faults = append(faults, fmt.Errorf("publish the keys: %w", err))
	}
	return s, errors.Join(faults...)
}

// byUse puts the active keys first, then the others that have been active, the
// latest first. Should the active key be one that cannot be opened, the one
// before it goes on.
func byUse(a, b store.Key) int {
	rank := func(state store.KeyState) int {
		return slices.Index([]store.KeyState{store.KeyActive, store.KeyRetiring, store.KeyNext, store.KeyRetired}, state)
	}
	return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), b.Since.Compare(a.Since))
}

// add puts one key where its purpose and state say.
func (s *snapshot) add(row store.Key, o opened) {
	s.opened[openedName{kindOf(row), row.ID}] = o
	active := row.State == store.KeyActive
	if row.Purpose != store.KeySign {
		s.secrets[secretName{row.Purpose, row.ID}] = o.secret
		s.usable[row.Purpose] = append(s.usable[row.Purpose], o.secret)
		return
	}
	s.publish(o.verify, o.signer.Key.Public())
	if active {
		s.signers[row.Algorithm] = o.signer
	}
}

func (s *snapshot) publish(verify oauth.VerifyKey, public crypto.PublicKey) {
	s.verify[verify.KeyID] = verify
	s.public = append(s.public, publicKey{id: verify.KeyID, algorithm: verify.Algorithm, key: public})
}

// addExternal publishes the external keys and lets sign, for each algorithm, the
// first that has been published for long enough. Until there is one the store's
// key goes on; where there is none the one that is known the longest signs.
func (s *snapshot) addExternal(keys []External, now time.Time) {
	chosen := map[string]bool{}
	for _, key := range keys {
		s.publish(key.verify, key.signer.Key.Public())
		ready := key.Since.Add(publishWait)
		if ready.After(now) {
			if s.changes.IsZero() || ready.Before(s.changes) {
				s.changes = ready
			}
			continue
		}
		if algorithm := key.Algorithm(); !chosen[algorithm] {
			chosen[algorithm] = true
			s.signers[algorithm] = key.signer
		}
	}
	oldest := slices.Clone(keys)
	slices.SortStableFunc(oldest, func(a, b External) int { return a.Since.Compare(b.Since) })
	for _, key := range oldest {
		if _, ok := s.signers[key.Algorithm()]; !ok {
			s.signers[key.Algorithm()] = key.signer
		}
	}
}

// keep goes on with the active keys of before whose successors cannot be opened
// here, for as long as they are accepted.
func (s *snapshot) keep(before *snapshot) {
	for algorithm, signer := range before.signers {
		_, good := s.verify[signer.KeyID]
		if _, ok := s.signers[algorithm]; !ok && good {
			s.signers[algorithm] = signer
		}
	}
}

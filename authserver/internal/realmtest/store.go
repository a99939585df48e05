package realmtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// ErrFault is what a failing step of Store fails with.
var ErrFault = errors.New("database is gone")

// Steps are the names of the steps that a request can lead to.
var Steps = []string{
	"CreateGrant", "Grant", "RedeemCode", "RotateRefresh", "TouchRefresh", "RevokeGrant", "RevokeToken",
	"TakeAttempt", "ReturnAttempt", "ClearAttempts", "Revocations", "CreateSession", "Session", "TouchSession", "EndSession", "Consent",
	"Credentials", "Passkey", "AddCredential", "UseCredential", "ReplaceRecovery", "UseRecovery", "Spend", "RevokeAll",
}

// Store is a real store with one step that fails when told to. It counts the
// steps, too.
type Store struct {
	store.Store

	mu      sync.Mutex
	failing string
	steps   []string
}

// Fail makes the named step fail from now on; "" ends that.
func (s *Store) Fail(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = step
}

// Taken gives the names of the steps taken since the last call.
func (s *Store) Taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	steps := s.steps
	s.steps = nil
	return steps
}

func (s *Store) take(step string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step)
	if s.failing == step {
		return ErrFault
	}
	return nil
}

// CreateGrant is a step that may fail, as are all below.
func (s *Store) CreateGrant(ctx context.Context, grant store.Grant, consent *store.Consent) error {
	if err := s.take("CreateGrant"); err != nil {
		return err
	}
	return s.Store.CreateGrant(ctx, grant, consent)
}

// Grant may fail.
func (s *Store) Grant(ctx context.Context, realm, id string) (store.Grant, error) {
	if err := s.take("Grant"); err != nil {
		return store.Grant{}, err
	}
	return s.Store.Grant(ctx, realm, id)
}

// RedeemCode may fail.
func (s *Store) RedeemCode(ctx context.Context, redemption store.Redemption) error {
	if err := s.take("RedeemCode"); err != nil {
		return err
	}
	return s.Store.RedeemCode(ctx, redemption)
}

// RotateRefresh may fail.
func (s *Store) RotateRefresh(ctx context.Context, rotation store.Rotation) (uint32, error) {
	if err := s.take("RotateRefresh"); err != nil {
		return 0, err
	}
	return s.Store.RotateRefresh(ctx, rotation)
}

// TouchRefresh may fail.
func (s *Store) TouchRefresh(ctx context.Context, rotation store.Rotation) (uint32, error) {
	if err := s.take("TouchRefresh"); err != nil {
		return 0, err
	}
	return s.Store.TouchRefresh(ctx, rotation)
}

// RevokeGrant may fail.
func (s *Store) RevokeGrant(ctx context.Context, realm, id string, now time.Time) error {
	if err := s.take("RevokeGrant"); err != nil {
		return err
	}
	return s.Store.RevokeGrant(ctx, realm, id, now)
}

// RevokeToken may fail.
func (s *Store) RevokeToken(ctx context.Context, realm, tokenID string, expires, now time.Time) error {
	if err := s.take("RevokeToken"); err != nil {
		return err
	}
	return s.Store.RevokeToken(ctx, realm, tokenID, expires, now)
}

// Revocations may fail.
func (s *Store) Revocations(ctx context.Context, after int64, now time.Time) ([]store.Revocation, int64, error) {
	if err := s.take("Revocations"); err != nil {
		return nil, 0, err
	}
	return s.Store.Revocations(ctx, after, now)
}

// CreateSession may fail.
func (s *Store) CreateSession(ctx context.Context, session store.Session, replaces string) error {
	if err := s.take("CreateSession"); err != nil {
		return err
	}
	return s.Store.CreateSession(ctx, session, replaces)
}

// Session may fail.
func (s *Store) Session(ctx context.Context, realm, digest string, now time.Time) (store.Session, error) {
	if err := s.take("Session"); err != nil {
		return store.Session{}, err
	}
	return s.Store.Session(ctx, realm, digest, now)
}

// TouchSession may fail.
func (s *Store) TouchSession(ctx context.Context, realm, digest string, idleExpires, now time.Time) error {
	if err := s.take("TouchSession"); err != nil {
		return err
	}
	return s.Store.TouchSession(ctx, realm, digest, idleExpires, now)
}

// EndSession may fail.
func (s *Store) EndSession(ctx context.Context, realm, digest string) error {
	if err := s.take("EndSession"); err != nil {
		return err
	}
	return s.Store.EndSession(ctx, realm, digest)
}

// RevokeAll may fail.
func (s *Store) RevokeAll(ctx context.Context, reach store.Reach, now time.Time) (store.Ended, error) {
	if err := s.take("RevokeAll"); err != nil {
		return store.Ended{}, err
	}
	return s.Store.RevokeAll(ctx, reach, now)
}

// Consent may fail.
func (s *Store) Consent(ctx context.Context, realm, subject, clientID string) (store.Consent, error) {
	if err := s.take("Consent"); err != nil {
		return store.Consent{}, err
	}
	return s.Store.Consent(ctx, realm, subject, clientID)
}

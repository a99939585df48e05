package realmtest

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// TakeAttempt may fail.
func (s *Store) TakeAttempt(ctx context.Context, realm string, counters []store.Counter, now time.Time) (store.Taken, error) {
	if err := s.take("TakeAttempt"); err != nil {
		return store.Taken{}, err
	}
	return s.Store.TakeAttempt(ctx, realm, counters, now)
}

// ReturnAttempt may fail.
func (s *Store) ReturnAttempt(ctx context.Context, realm string, counters []store.Counter, taken store.Taken) error {
	if err := s.take("ReturnAttempt"); err != nil {
		return err
	}
	return s.Store.ReturnAttempt(ctx, realm, counters, taken)
}

// ClearAttempts may fail.
func (s *Store) ClearAttempts(ctx context.Context, realm string, keys []store.AttemptKey, mark store.AttemptKey, expires time.Time) error {
	if err := s.take("ClearAttempts"); err != nil {
		return err
	}
	return s.Store.ClearAttempts(ctx, realm, keys, mark, expires)
}

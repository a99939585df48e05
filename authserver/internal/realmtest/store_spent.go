package realmtest

import (
	"context"
	"time"
)

// Spend may fail.
func (s *Store) Spend(ctx context.Context, id string, expires time.Time) error {
	if err := s.take("Spend"); err != nil {
		return err
	}
	return s.Store.Spend(ctx, id, expires)
}

package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Whom an operator has disabled cannot come back by signing in again, nor by
// waiting until the row is deleted.
func TestDisabledSeenAccountStaysDisabled(t *testing.T) {
	s := open(t)
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	seen := store.SeenAccount{
		Realm: "/", Account: store.Account{Service: "corp", ID: "u-1"},
		Claims: map[string]any{"name": "Ann"}, Seen: now, PurgeAt: now.Add(time.Hour),
	}
	if err := s.RememberAccount(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	err := s.Write(t.Context(), func(exec func(text string) (int64, error)) error {
		_, err := exec("UPDATE accounts SET disabled = 1 RETURNING disabled")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		if _, err := s.SeenAccount(t.Context(), "/", seen.Account); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s it is read: %v", when, err)
		}
		if err := s.RememberAccount(t.Context(), seen); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s it signs in: %v", when, err)
		}
	}
	refused("at once")
	if _, err := s.DeleteExpired(t.Context(), now.Add(24*time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	refused("a day later")
}

package realm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestTurns(t *testing.T) {
	key := store.AttemptKey{Kind: store.AttemptPassword, Name: "demo"}
	synctest.Test(t, func(t *testing.T) {
		var all turns
		leave, err := all.wait(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := make(chan error)
		for range turnsWaiting + 1 {
			go func() {
				leave, err := all.wait(t.Context(), key)
				outcomes <- err
				if err == nil {
					leave()
				}
			}()
		}
		synctest.Wait()
		if err := <-outcomes; !errors.Is(err, hashing.ErrBusy) {
			t.Errorf("one too many: %v", err)
		}
		// Another name does not wait.
		other, err := all.wait(t.Context(), store.AttemptKey{Kind: store.AttemptPassword, Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		other()
		leave()
		for range turnsWaiting {
			if err := <-outcomes; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if len(all.of) != 0 {
			t.Errorf("%d are kept", len(all.of))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var all turns
		leave, err := all.wait(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		// The clock of the bubble goes on when all wait.
		if _, err := all.wait(t.Context(), key); !errors.Is(err, hashing.ErrBusy) {
			t.Errorf("waited for too long: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := all.wait(gone, key); !errors.Is(err, context.Canceled) {
			t.Errorf("has hung up: %v", err)
		}
		leave()
		if len(all.of) != 0 {
			t.Errorf("%d are kept", len(all.of))
		}
	})
}

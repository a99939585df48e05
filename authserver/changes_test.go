package authserver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// When the changes of other nodes were last read is the time of the last reading
// of all of them; one that fails does not count, nor does the store answer then.
func TestChangesGrowOldWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &denying{}
		backend := openNode(t, st)
		if err := backend.Denials().Follow(t.Context(), func([]store.Denial) {}); err != nil {
			t.Fatal(err)
		}
		run := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			backend.Run(ctx)
		}
		want := func(age time.Duration, answers bool) {
			t.Helper()
			if got := time.Since(backend.ChangesRead()); got.Truncate(time.Second) != age || backend.Status().Fresh != answers {
				t.Errorf("read %s ago, answers %v; want %s, %v", got, backend.Status().Fresh, age, answers)
			}
		}
		want(0, true)
		run(3*time.Second + time.Millisecond)
		want(0, true)
		st.fault = errors.New("down")
		run(4 * time.Second)
		want(4*time.Second, true)
		run(2 * time.Second)
		want(6*time.Second, false)
		st.fault = nil
		run(time.Second + time.Millisecond)
		want(0, true)
	})
}

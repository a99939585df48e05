package storetest

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// parallelism is how many callers a processor has: enough to keep a store busy
// while it waits for its disk.
const parallelism = 32

// Bench measures the writes that a user's sign-in and each refresh cost. open
// gives an empty store.
func Bench(b *testing.B, open func(b *testing.B) store.Store) {
	b.Run("CreateGrant", func(b *testing.B) {
		s := open(b)
		measure(b, func(caller, n int) error {
			return s.CreateGrant(b.Context(), pending(strconv.Itoa(caller)+"-"+strconv.Itoa(n)), nil)
		})
	})
	b.Run("RotateRefresh", func(b *testing.B) {
		s := open(b)
		measure(b, func(caller, n int) error {
			id := strconv.Itoa(caller)
			if n == 0 {
				return s.CreateGrant(b.Context(), active(id, 1), nil)
			}
			_, err := s.RotateRefresh(b.Context(), rotation(id, uint32(n), at(5)))
			return err
		})
	})
	b.Run("Grant", func(b *testing.B) {
		s := open(b)
		if err := s.CreateGrant(b.Context(), active(grantID, 1), nil); err != nil {
			b.Fatal(err)
		}
		measure(b, func(int, int) error {
			_, err := s.Grant(b.Context(), realm, grantID)
			return err
		})
	})
}

// measure calls step from many callers, each counting its own calls.
func measure(b *testing.B, step func(caller, n int) error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(parallelism)
	var callers atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		caller := int(callers.Add(1))
		for n := 0; loop.Next(); n++ {
			if err := step(caller, n); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

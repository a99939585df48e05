//go:build !race

package caddymodule

import (
	"context"
	"testing"
)

// A request with a token that is known already costs next to no memory: the
// identity with its placeholders, the token under protection, and the stream with
// all that the handlers behind get. One that asks for the end of the request costs
// what package context makes for that as well.
func TestACachedTokenCostsFourAllocations(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, test := range map[string]struct {
		next handling
		most float64
	}{
		"answers by itself": {answering, 4},
		"waits for the end": {waiting, 9},
	} {
		cost := func(h handling) float64 {
			return testing.AllocsPerRun(1000, func() {
				if err := h.request(ctx, "Bearer opaque"); err != nil {
					t.Fatal(err)
				}
			})
		}
		floor := cost(test.next)
		if added := cost(guarded(t, test.next)) - floor; added > test.most {
			t.Errorf("a handler that %s: %v allocations more than without bearer_auth, want %v", name, added, test.most)
		}
	}
}

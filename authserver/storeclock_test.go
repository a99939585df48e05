package authserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// timed is a store with a clock, as that of a database server.
type timed struct {
	store.Store
	now func() time.Time
}

func (s timed) Clock(context.Context) (time.Time, error) { return s.now(), nil }

// newTimedHouse is a house whose store has a clock that is ahead of the right one.
func newTimedHouse(t *testing.T, ahead *time.Duration) *house {
	t.Helper()
	h := newHouse(t)
	h.Store.Store = timed{h.Store.Store, func() time.Time { return h.Clock.Now().Add(*ahead) }}
	return h
}

// F10: the answer to a refresh is lost, and the client asks the other node, whose
// clock is a minute from the first one's. Within the grace it gets what it missed,
// and after it has ended the family is over, whichever node is ahead.
func TestF10_ARetryAtAnotherNodeIsJudgedByOneClock(t *testing.T) {
	for name, order := range map[string][2]int{"the other is ahead": {1, 0}, "the other is behind": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			h := newTimedHouse(t, new(time.Duration))
			nodes := []*clockedNode{h.clocked(t, 30*time.Second), h.clocked(t, -30*time.Second)}
			first, other := nodes[order[0]], nodes[order[1]]
			access, refresh := first.signIn()
			h.Clock.Advance(time.Minute)
			lost, status := first.refresh(refresh)
			if status != http.StatusOK || !other.active(access) {
				t.Fatalf("status %d", status)
			}
			h.Clock.Advance(9 * time.Second)
			if again, status := other.refresh(refresh); again != lost || status != http.StatusOK {
				t.Errorf("a retry within the grace: status %d", status)
			}
			h.Clock.Advance(2 * time.Second)
			if _, status := other.refresh(refresh); status != http.StatusBadRequest {
				t.Errorf("after the grace: status %d", status)
			}
			if _, status := first.refresh(lost); status != http.StatusBadRequest {
				t.Errorf("the family lives on: status %d", status)
			}
		})
	}
}

// F10: a clock that is far off is not followed, whether it is the node's or the
// database's. It is told, and what was issued before is neither over nor early.
func TestF10_AClockThatIsFarOffIsNotFollowed(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, leap := range map[string]time.Duration{
		"two minutes": 2 * time.Minute, "an hour back": -time.Hour, "ten years": 10 * year, "ten years back": -10 * year,
	} {
		t.Run(name, func(t *testing.T) {
			var ahead time.Duration
			h := newTimedHouse(t, &ahead)
			n := h.clocked(t, -20*time.Second)
			access, refresh := n.signIn()
			ask := func() {
				t.Helper()
				if err := n.backend.AskClock(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ahead = leap
			ask()
			ask()
			if off := n.backend.Status().StoreAhead; off != leap+20*time.Second {
				t.Errorf("the store is said to be %v ahead", off)
			}
			if now := n.backend.Now(); !now.Equal(h.Clock.Now()) {
				t.Errorf("it goes by %v, and it is %v", now, h.Clock.Now())
			}
			if next, status := n.refresh(refresh); !n.active(access) || status != http.StatusOK || next == "" {
				t.Errorf("what was issued before is not good: status %d", status)
			}
			ahead = 0
			ask()
			for _, line := range []string{"Check the time synchronization of both", "agree again"} {
				if strings.Count(n.log.String(), line) != 1 {
					t.Errorf("%q is not told once: %s", line, &n.log)
				}
			}
		})
	}
}

// A store that cannot say what the time is leaves it as it was known.
func TestTheTimeGoesOnWithoutTheStore(t *testing.T) {
	h := newTimedHouse(t, new(time.Duration))
	n := h.clocked(t, 30*time.Second)
	h.Store.Store = silent{h.Store.Store}
	if err := n.backend.AskClock(t.Context()); err == nil {
		t.Error("nothing is wrong")
	}
	h.Clock.Advance(time.Hour)
	if now := n.backend.Now(); !now.Equal(h.Clock.Now()) {
		t.Errorf("it goes by %v, and it is %v", now, h.Clock.Now())
	}
}

type silent struct{ store.Store }

func (silent) Clock(context.Context) (time.Time, error) { return time.Time{}, context.DeadlineExceeded }

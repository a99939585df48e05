package authserver

import (
	"testing"
	"time"
)

// What the store says of the time is followed as far as it can be trusted.
func TestF10_TheClockOfTheStoreIsFollowedUpToAMinute(t *testing.T) {
	start := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		held, ahead, trip, offset, off time.Duration
	}{
		"behind":                     {0, 30 * time.Second, 0, 30 * time.Second, 30 * time.Second},
		"ahead":                      {0, -30 * time.Second, 0, -30 * time.Second, -30 * time.Second},
		"a slow answer":              {0, 30 * time.Second, time.Second, 30 * time.Second, 30 * time.Second},
		"an answer that is too slow": {0, 30 * time.Second, time.Second + 1, 0, 0},
		"a clock that went back":     {0, 30 * time.Second, -1, 0, 0},
		"within the round trip":      {time.Second, 1050 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Second},
		"beyond the round trip":      {time.Second, 1051 * time.Millisecond, 100 * time.Millisecond, 1051 * time.Millisecond, 1051 * time.Millisecond},
		"right again":                {30 * time.Second, 0, 0, 0, 0},
		"a minute":                   {0, time.Minute, 0, time.Minute, time.Minute},
		"more":                       {0, time.Minute + 1, 0, 0, time.Minute + 1},
		"ten years ahead":            {2 * time.Second, 10 * 365 * 24 * time.Hour, 0, 2 * time.Second, 10 * 365 * 24 * time.Hour},
		"ten years behind":           {2 * time.Second, -10 * 365 * 24 * time.Hour, 0, 2 * time.Second, -10 * 365 * 24 * time.Hour},
	} {
		clock := &storeClock{own: func() time.Time { return start }}
		clock.offset.Store(int64(c.held))
		clock.heed(start.Add(c.trip/2+c.ahead), start, start.Add(c.trip))
		if got := clock.now().Sub(start); got != c.offset || clock.off() != c.off {
			t.Errorf("%s: %v is added and %v told, want %v and %v", name, got, clock.off(), c.offset, c.off)
		}
	}
}

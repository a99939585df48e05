package login_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestAS64_WaitsGrowFromTheFifthFailureOn(t *testing.T) {
	limits := login.DefaultLimits()
	for failures, want := range map[int]time.Duration{
		0: 0, 1: 0, 4: 0, 5: time.Second, 6: 2 * time.Second, 7: 4 * time.Second, 12: 128 * time.Second,
		13: 256 * time.Second, 14: 5 * time.Minute, 30: 5 * time.Minute, 99: 5 * time.Minute,
		100: 15 * time.Minute, 101: 15 * time.Minute, 1 << 40: 15 * time.Minute,
	} {
		if got := limits.Wait(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
	short := login.Limits{BackoffAfter: 1, LockAfter: 3, LockFor: 90 * time.Second}.Complete()
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 90 * time.Second} {
		if got := short.Wait(failures); got != want {
			t.Errorf("short: after %d failures: %s, want %s", failures, got, want)
		}
	}
	for failures, locks := range map[int]bool{99: false, 100: true} {
		if limits.Locks(failures) != locks {
			t.Errorf("%d failures: locks %v", failures, !locks)
		}
	}
}

func TestLimitsThatAreNone(t *testing.T) {
	for _, test := range []struct {
		limits login.Limits
		good   bool
	}{
		{login.Limits{}, true},
		{login.Limits{BackoffAfter: 3}, true},
		{login.Limits{LockAfter: 3}, true},
		{login.Limits{BackoffAfter: 10, LockAfter: 10, LockFor: time.Second, PerSource: store.Limit{Count: 1, Per: time.Second}}, true},
		{login.Limits{LockAfter: 101}, false},
		{login.Limits{LockAfter: -1}, false},
		{login.Limits{BackoffAfter: -1}, false},
		{login.Limits{BackoffAfter: 11, LockAfter: 10}, false},
		{login.Limits{LockFor: 25 * time.Hour}, false},
		{login.Limits{LockFor: time.Millisecond}, false},
		{login.Limits{PerSource: store.Limit{Count: 10}}, false},
		{login.Limits{PerSource: store.Limit{Count: -1, Per: time.Minute}}, false},
		{login.Limits{PerSource: store.Limit{Count: 1, Per: 25 * time.Hour}}, false},
	} {
		if err := test.limits.Check(); (err == nil) != test.good {
			t.Errorf("%+v: %v", test.limits, err)
		}
	}
}

// What is counted, and what the next try waits for after a number of failures.
func TestCountersOfATry(t *testing.T) {
	type counter struct {
		name, source     string
		unless, askOnly  bool
		at5, at10, at100 time.Duration
	}
	begin := time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)
	for kind, want := range map[store.AttemptKind][]counter{
		store.AttemptPassword: {
			{name: "N", unless: true, at100: time.Minute},
			{name: "N", source: "S", at5: time.Second, at10: 32 * time.Second, at100: 15 * time.Minute},
			{source: "S", askOnly: true, at100: time.Minute},
		},
		store.AttemptCode: {
			{name: "N", at5: time.Second, at10: 32 * time.Second, at100: 15 * time.Minute},
			{source: "S", askOnly: true, at100: time.Minute},
		},
		// AS47: at most 10 wrong codes a source and 100 in all, a minute and realm.
		store.AttemptDevice: {
			{source: "S", at10: time.Minute, at100: time.Minute},
			{at100: time.Minute},
		},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			var got []counter
			for _, c := range login.DefaultLimits().Counters(kind, "N", "S") {
				wait := func(failures int) time.Duration {
					if until := c.Until(failures, begin); !until.IsZero() {
						return until.Sub(begin)
					}
					return 0
				}
				got = append(got, counter{c.Name, c.Source, c.Unless.Kind != 0, c.AskOnly, wait(5), wait(10), wait(100)})
				if c.Kind != kind {
					t.Errorf("kind %d", c.Kind)
				}
				for _, failures := range []int{5, 10, 100, 1000} {
					if wait(failures) > c.Forget {
						t.Errorf("%d failures wait longer than they are remembered", failures)
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestSourceKey(t *testing.T) {
	for source, want := range map[string]string{
		"192.0.2.7":                 "192.0.2.7",
		"::ffff:192.0.2.7":          "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1%eth0": "2001:db8:1:2::/64",
		"2001:db8:1:3::1":           "2001:db8:1:3::/64",
		"::1":                       "::/64",
		"":                          "",
		"@":                         "",
	} {
		if got := login.SourceKey(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestNameKeyIsOneForTheSpellingsOfADirectory(t *testing.T) {
	for _, name := range []string{"alice", "Alice", "ALICE", " alice ", "al ice", "al\u200bice", "ａｌｉｃｅ", "\talice\n", "a\u0301lice", "álice", "ⓐⓛⓘⓒⓔ", "𝒶𝓁𝒾𝒸𝑒", "ᵃlⁱce"} {
		if got := login.NameKey(name); got != "alice" {
			t.Errorf("%q: %q", name, got)
		}
	}
	for name, other := range map[string]string{"ﬁnn": "finn", "groß": "GROSS", "№5": "no5", "ſam": "sam"} {
		if login.NameKey(name) != login.NameKey(other) {
			t.Errorf("%q and %q count apart", name, other)
		}
	}
	if login.NameKey("alice") == login.NameKey("bob") {
		t.Error("two are one")
	}
}

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		err  error
		want time.Duration
	}{
		{&login.Limited{RetryAfter: time.Minute}, time.Minute},
		{fmt.Errorf("sign in: %w", &login.Limited{RetryAfter: time.Minute}), time.Minute},
		{&login.Limited{}, time.Second},
		{login.ErrLimited, time.Second},
	} {
		if got := login.RetryAfter(test.err); got != test.want || !errors.Is(test.err, login.ErrLimited) {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}

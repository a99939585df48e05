package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// tries counts tries for alice from one source: from the third failure on each
// lets the next wait 10 seconds, and an hour without one forgets them all.
func tries(name, source string) store.Counter {
	return store.Counter{
		AttemptKey: store.AttemptKey{Kind: store.AttemptPassword, Name: name, Source: source},
		Forget:     time.Hour,
		Until: func(failures int, since time.Time) time.Time {
			if failures < 3 {
				return time.Time{}
			}
			return since.Add(10 * time.Second)
		},
	}
}

// perMinute lets in three failures a minute.
func perMinute(source string) store.Counter {
	return store.Counter{
		AttemptKey: store.AttemptKey{Kind: store.AttemptDevice, Source: source},
		Forget:     time.Minute, Window: true,
		Until: func(failures int, since time.Time) time.Time {
			if failures < 3 {
				return time.Time{}
			}
			return since.Add(time.Minute)
		},
	}
}

// try takes one attempt and checks what becomes of it: the failures counted, or
// until when it has to wait, in seconds from the start.
func try(t *testing.T, s store.Store, second, failures, until int, counters ...store.Counter) store.Taken {
	t.Helper()
	taken := got(s.TakeAttempt(t.Context(), "/", counters, at(second)))(t)
	switch {
	case until > 0 && !taken.Until.Equal(at(until)):
		t.Fatalf("second %d: to wait until %s, want second %d", second, taken.Until, until)
	case until == 0 && !taken.Until.IsZero():
		t.Fatalf("second %d: has to wait until %s", second, taken.Until)
	case until == 0 && taken.Failures[0] != failures:
		t.Fatalf("second %d: %d failures, want %d", second, taken.Failures[0], failures)
	}
	return taken
}

var attemptChecks = []check{
	{"AS64 failures in a row make the next try wait", func(t *testing.T, s store.Store) {
		alice := tries("alice", "home")
		try(t, s, 0, 1, 0, alice)
		try(t, s, 0, 2, 0, alice)
		try(t, s, 1, 3, 0, alice)
		try(t, s, 2, 0, 11, alice)
		try(t, s, 10, 0, 11, alice) // asking does not make it longer
		try(t, s, 11, 4, 0, alice)
		try(t, s, 20, 0, 21, alice)
		// Nobody else has to.
		try(t, s, 20, 1, 0, tries("alice", "work"))
		try(t, s, 20, 1, 0, tries("bob", "home"))
		// An hour later it is forgotten.
		try(t, s, 11+3600, 1, 0, alice)
	}},
	{"AS47 a window counts from its first failure", func(t *testing.T, s store.Store) {
		for n := range 3 {
			try(t, s, 10*n, n+1, 0, perMinute("home"))
		}
		try(t, s, 30, 0, 60, perMinute("home"))
		try(t, s, 59, 0, 60, perMinute("home"))
		try(t, s, 60, 1, 0, perMinute("home"))
		try(t, s, 119, 2, 0, perMinute("home"))
		try(t, s, 120, 1, 0, perMinute("home"))
	}},
	{"a try that has to wait for one counter is counted in none", func(t *testing.T, s store.Store) {
		for n := range 3 {
			try(t, s, 0, n+1, 0, perMinute("home"))
		}
		try(t, s, 1, 0, 60, tries("alice", "home"), perMinute("home"))
		try(t, s, 1, 1, 0, tries("alice", "home"))
	}},
	{"a try that is returned is as if it had not been", func(t *testing.T, s store.Store) {
		alice := tries("alice", "home")
		for n := range 2 {
			try(t, s, 0, n+1, 0, alice)
		}
		for n := range 4 {
			taken := try(t, s, n, 3, 0, alice)
			must(t, s.ReturnAttempt(t.Context(), "/", []store.Counter{alice}, taken))
		}
		// The last one leaves no row.
		first := try(t, s, 0, 1, 0, perMinute("x"))
		must(t, s.ReturnAttempt(t.Context(), "/", []store.Counter{perMinute("x")}, first))
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/", store.AttemptDevice, "", "x"))(t), 0)
	}},
	{"a return takes no wait away that another failure has caused", func(t *testing.T, s store.Store) {
		alice := tries("alice", "home")
		early := try(t, s, 0, 1, 0, alice)
		try(t, s, 0, 2, 0, alice)
		try(t, s, 0, 3, 0, alice)
		must(t, s.ReturnAttempt(t.Context(), "/", []store.Counter{alice}, early))
		try(t, s, 1, 0, 10, alice)
	}},
	{"a counter that is only asked counts nothing", func(t *testing.T, s store.Store) {
		asked := perMinute("home")
		asked.AskOnly = true
		for range 5 {
			try(t, s, 0, 0, 0, asked)
		}
		for n := range 3 {
			try(t, s, 0, n+1, 0, perMinute("home"))
		}
		try(t, s, 1, 0, 60, asked)
	}},
	{"a success forgets failures and leaves a mark", func(t *testing.T, s store.Store) {
		home, anywhere := tries("alice", "home"), tries("alice", "")
		anywhere.Unless = store.AttemptKey{Kind: store.SignedInFrom, Name: "alice", Source: "home"}
		for n := range 3 {
			try(t, s, 0, n+1, 0, home)
		}
		must(t, s.ClearAttempts(t.Context(), "/", []store.AttemptKey{home.AttemptKey}, anywhere.Unless, at(100)))
		try(t, s, 1, 1, 0, home)
		for range 5 { // spared
			try(t, s, 1, 0, 0, anywhere)
		}
		try(t, s, 100, 1, 0, anywhere) // not any more
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/", store.AttemptPassword, "alice", ""))(t), 2)
		try(t, s, 99, 0, 0, anywhere) // marks stay
	}},
	{"are reset for a name, and for a source", func(t *testing.T, s store.Store) {
		for _, source := range []string{"", "home", "work"} {
			try(t, s, 0, 1, 0, tries("alice", source))
		}
		try(t, s, 0, 1, 0, tries("bob", "home"))
		try(t, s, 0, 1, 0, tries("", "home"))
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/customers", store.AttemptPassword, "alice", ""))(t), 0)
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/", store.AttemptCode, "alice", ""))(t), 0)
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/", store.AttemptPassword, "alice", ""))(t), 3)
		wantEqual(t, got(s.ResetAttempts(t.Context(), "/", store.AttemptPassword, "", "home"))(t), 1)
		try(t, s, 0, 2, 0, tries("bob", "home"))
	}},
	{"a clock that was ahead locks nobody out for long", func(t *testing.T, s store.Store) {
		for n := range 3 {
			try(t, s, 1e6, n+1, 0, tries("alice", "home"))
		}
		try(t, s, 0, 4, 0, tries("alice", "home"))
	}},
	{"rows are deleted when they say nothing more", func(t *testing.T, s store.Store) {
		for n := range 3 {
			try(t, s, 0, 1, 0, tries(strconv.Itoa(n), "home"))
		}
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(3599), 10))(t), 0)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(3600), 2))(t), 2)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(3600), 10))(t), 1)
	}},
	{"of 64 tries at once no more are let in than one after another", func(t *testing.T, s store.Store) {
		alice, device := tries("alice", "home"), perMinute("home")
		taken, errs := race(t, func(int) (store.Taken, error) {
			return s.TakeAttempt(t.Context(), "/", []store.Counter{alice, device}, start)
		})
		let := 0
		for n := range taken {
			must(t, errs[n])
			if taken[n].Until.IsZero() {
				let++
			}
		}
		wantEqual(t, let, 3)
	}},
}

package storetest

import (
	"strconv"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var spentChecks = []check{
	{"G77 what is spent stays spent until it expires", func(t *testing.T, s store.Store) {
		must(t, s.Spend(t.Context(), "a", at(60)))
		wantError(t, s.Spend(t.Context(), "a", at(60)), store.ErrExists)
		// A later end does not make it another one.
		wantError(t, s.Spend(t.Context(), "a", at(600)), store.ErrExists)
		must(t, s.Spend(t.Context(), "b", at(60)))

		wantEqual(t, got(s.DeleteExpired(t.Context(), at(59), 100))(t), 0)
		wantError(t, s.Spend(t.Context(), "a", at(60)), store.ErrExists)
	}},
	{"G77 what is forgotten is not taken again, whatever the clocks say", func(t *testing.T, s store.Store) {
		must(t, s.Spend(t.Context(), "a", at(60)))
		must(t, s.Spend(t.Context(), "b", at(61)))
		must(t, s.Spend(t.Context(), "c", at(300)))
		// A clock that is a minute ahead.
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(61), 100))(t), 2)
		wantError(t, s.Spend(t.Context(), "a", at(60)), store.ErrExists)
		wantError(t, s.Spend(t.Context(), "b", at(61)), store.ErrExists)
		wantError(t, s.Spend(t.Context(), "new", at(61)), store.ErrExists)
		must(t, s.Spend(t.Context(), "new", at(62)))
		wantError(t, s.Spend(t.Context(), "c", at(300)), store.ErrExists)
	}},
	{"G77 a clock that was far ahead refuses no honest use", func(t *testing.T, s store.Store) {
		must(t, s.Spend(t.Context(), "a", at(60)))
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(1e8), 100))(t), 1)
		must(t, s.Spend(t.Context(), "b", at(61)))
	}},
	{"deletes what is spent in batches, the oldest first", func(t *testing.T, s store.Store) {
		for n := range 10 {
			must(t, s.Spend(t.Context(), strconv.Itoa(n), at(100-n)))
		}
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 4))(t), 4)
		wantError(t, s.Spend(t.Context(), "late", at(94)), store.ErrExists)
		must(t, s.Spend(t.Context(), "later", at(95)))
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 100))(t), 7)
	}},
}

package storetest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// denial is an entry for one token, with every field set but Removed.
func denial(jti string) store.Denial {
	return store.Denial{
		Kind: store.DenyToken, Value: jti, Issuer: "https://idp.example.com",
		NotBefore: at(-10), Expires: at(100), Created: start,
	}
}

// denials reads the whole deny-list.
func denials(t *testing.T, s store.Store) []store.Denial {
	t.Helper()
	changes, _, err := s.Denials(t.Context(), 0)
	must(t, err)
	return changes
}

var denialChecks = []check{
	{"is kept as it was put", func(t *testing.T, s store.Store) {
		full := denial("jti-1")
		full.Removed = true
		wantNoZeroField(t, full)
		least := store.Denial{Kind: store.DenyClient, Value: "web", Expires: at(1), Created: start}
		for _, d := range []store.Denial{denial("jti-1"), least} {
			must(t, s.PutDenial(t.Context(), d))
		}
		wantEqual(t, denials(t, s), []store.Denial{denial("jti-1"), least})
	}},
	{"has one entry for each kind, value and issuer", func(t *testing.T, s store.Store) {
		base := store.Denial{Kind: store.DenySubject, Value: "a", Issuer: "b", Expires: at(100), Created: start}
		kind, value, issuer, shifted := base, base, base, base
		kind.Kind, value.Value, issuer.Issuer = store.DenySession, "b", ""
		shifted.Value, shifted.Issuer = "ab", ""
		all := []store.Denial{base, kind, value, issuer, shifted}
		for range 2 {
			for _, d := range all {
				must(t, s.PutDenial(t.Context(), d))
			}
		}
		wantEqual(t, denials(t, s), all)
	}},
	{"is replaced by the next one of its name", func(t *testing.T, s store.Store) {
		must(t, s.PutDenial(t.Context(), denial("jti-1")))
		next := denial("jti-1")
		next.NotBefore, next.Expires, next.Created = at(20), at(50), at(21)
		must(t, s.PutDenial(t.Context(), next))
		wantEqual(t, denials(t, s), []store.Denial{next})
	}},
	{"that is removed is told as removed, and comes back", func(t *testing.T, s store.Store) {
		entry := denial("jti-1")
		must(t, s.PutDenial(t.Context(), entry))
		must(t, s.DeleteDenial(t.Context(), entry.ID()))
		gone := entry
		gone.Removed = true
		wantEqual(t, denials(t, s), []store.Denial{gone})
		wantError(t, s.DeleteDenial(t.Context(), entry.ID()), store.ErrNotFound)
		must(t, s.PutDenial(t.Context(), entry))
		wantEqual(t, denials(t, s), []store.Denial{entry})
	}},
	{"that is unknown cannot be removed", func(t *testing.T, s store.Store) {
		wantError(t, s.DeleteDenial(t.Context(), "unknown"), store.ErrNotFound)
		wantEqual(t, len(denials(t, s)), 0)
	}},
	{"changes are read on from where they were left", readDenialsOn},
	{"rows outlive every form that a node may have read", func(t *testing.T, s store.Store) {
		must(t, s.PutDenial(t.Context(), denial("jti-1")))
		short := denial("jti-1")
		short.Expires = at(5)
		must(t, s.PutDenial(t.Context(), short))
		must(t, s.DeleteDenial(t.Context(), short.ID()))
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(100), 10))(t), 0)
		wantEqual(t, len(denials(t, s)), 1)
		wantEqual(t, got(s.DeleteExpired(t.Context(), at(100).Add(time.Hour), 10))(t), 1)
		wantEqual(t, len(denials(t, s)), 0)
	}},
}

func readDenialsOn(t *testing.T, s store.Store) {
	var position int64
	next := func(want ...string) {
		t.Helper()
		changes, next, err := s.Denials(t.Context(), position)
		must(t, err)
		values := make([]string, 0, len(changes))
		for _, change := range changes {
			values = append(values, change.Value)
		}
		wantEqual(t, values, append([]string{}, want...))
		if moved := next > position; moved != (len(want) > 0) || next < position {
			t.Fatalf("the position went from %d to %d over %d changes", position, next, len(want))
		}
		position = next
	}
	next()
	must(t, s.PutDenial(t.Context(), denial("a")))
	must(t, s.PutDenial(t.Context(), denial("b")))
	next("a", "b")
	next()
	must(t, s.DeleteDenial(t.Context(), denial("a").ID()))
	next("a")
	must(t, s.PutDenial(t.Context(), denial("b")))
	next("b")

	// What was deleted leaves no position behind to be given again: whoever stands
	// there would miss what is put next.
	got(s.DeleteExpired(t.Context(), at(100).Add(time.Hour), 100))(t)
	must(t, s.PutDenial(t.Context(), denial("c")))
	next("c")
}

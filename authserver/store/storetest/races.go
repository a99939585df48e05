package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// contenders is how many race for one row.
const contenders = 64

var raceChecks = []check{
	{"AS5 AS6 64 for one code have one winner", raceCode},
	{"AS36 AS39 64 for one refresh token share one successor", raceRefreshInGrace},
	{"AS36 64 for one refresh token without grace have one winner", raceRefreshWithoutGrace},
	{"AS37 64 late reuses revoke the family once", raceReuse},
	{"revocation and refresh do not both succeed last", raceRevocation},
	{"G77 64 uses of one proof have one winner", raceSpend},
	{"one key is made", raceKey},
	{"one lease is held", raceLease},
	{"one value is remembered", raceRemember},
}

// race lets the contenders go at once and gives what each came back with.
func race[T any](t *testing.T, run func(n int) (T, error)) ([]T, []error) {
	t.Helper()
	return raceOf(t, contenders, run)
}

// raceOf is race with so many.
func raceOf[T any](t *testing.T, many int, run func(n int) (T, error)) ([]T, []error) {
	t.Helper()
	values, errs := make([]T, many), make([]error, many)
	gun := make(chan struct{})
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			<-gun
			values[n], errs[n] = run(n)
		})
	}
	close(gun)
	all.Wait()
	return values, errs
}

// wantOneWinner counts the outcomes of a race that one wins and all others
// lose in the same way, and gives the winner.
func wantOneWinner(t *testing.T, errs []error, lost error) int {
	t.Helper()
	winner, winners := 0, 0
	for n, err := range errs {
		switch {
		case err == nil:
			winner = n
			winners++
		case !errors.Is(err, lost):
			t.Fatalf("a loser got %v, want %v", err, lost)
		}
	}
	if winners != 1 {
		t.Fatalf("%d winners, want 1", winners)
	}
	return winner
}

func raceCode(t *testing.T, s store.Store) {
	for round := range rounds(25) {
		id := strconv.Itoa(round)
		create(t, s, pending(id))
		_, errs := race(t, func(int) (struct{}, error) {
			return struct{}{}, s.RedeemCode(t.Context(), redemption(id, at(5)))
		})
		wantOneWinner(t, errs, store.ErrReplayed)
		wantEqual(t, stored(t, s, id).State, store.GrantRevoked)
		wantEqual(t, len(logged(t, s, start)), round+1)
	}
}

func raceRefreshInGrace(t *testing.T, s store.Store) {
	create(t, s, active(grantID, 1))
	for generation := uint32(1); generation <= uint32(rounds(25)); generation++ {
		next, errs := race(t, func(int) (uint32, error) {
			return s.RotateRefresh(t.Context(), rotation(grantID, generation, at(5)))
		})
		for n := range contenders {
			must(t, errs[n])
			wantEqual(t, next[n], generation+1)
		}
		wantEqual(t, stored(t, s, grantID).Generation, generation+1)
	}
}

func raceRefreshWithoutGrace(t *testing.T, s store.Store) {
	create(t, s, active(grantID, 1))
	for generation := uint32(1); generation <= uint32(rounds(25)); generation++ {
		next, errs := race(t, func(int) (uint32, error) {
			use := rotation(grantID, generation, at(5))
			use.Grace = 0
			return s.RotateRefresh(t.Context(), use)
		})
		winner := wantOneWinner(t, errs, store.ErrNotFound)
		wantEqual(t, next[winner], generation+1)
		wantEqual(t, stored(t, s, grantID).Generation, generation+1)
	}
}

func raceReuse(t *testing.T, s store.Store) {
	for round := range rounds(10) {
		id := strconv.Itoa(round)
		create(t, s, active(id, 3))
		_, errs := race(t, func(n int) (uint32, error) {
			use := rotation(id, 1+uint32(n%2), at(100))
			if n%4 == 3 {
				use.ClientID = otherThan
			}
			return s.RotateRefresh(t.Context(), use)
		})
		events := 0
		for n, err := range errs {
			switch {
			case errors.Is(err, store.ErrReplayed) && n%4 != 3:
				events++
			case !errors.Is(err, store.ErrNotFound):
				t.Fatalf("a reuse got %v", err)
			}
		}
		wantEqual(t, events, 1)
		wantEqual(t, stored(t, s, id).State, store.GrantRevoked)
		wantEqual(t, len(logged(t, s, start)), round+1)
	}
}

// raceRevocation sees that a grant which was revoked while it was refreshed
// stays revoked, whatever the order.
func raceRevocation(t *testing.T, s store.Store) {
	for round := range rounds(10) {
		id := strconv.Itoa(round)
		create(t, s, active(id, 1))
		_, errs := race(t, func(n int) (uint32, error) {
			if n == contenders/2 {
				return 0, s.RevokeGrant(t.Context(), realm, id, at(5))
			}
			return s.RotateRefresh(t.Context(), rotation(id, 1, at(5)))
		})
		for _, err := range errs {
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
		}
		wantEqual(t, stored(t, s, id).State, store.GrantRevoked)
	}
}

func raceSpend(t *testing.T, s store.Store) {
	for round := range rounds(25) {
		_, errs := race(t, func(int) (struct{}, error) {
			return struct{}{}, s.Spend(t.Context(), strconv.Itoa(round), at(60))
		})
		wantOneWinner(t, errs, store.ErrExists)
	}
}

func raceKey(t *testing.T, s store.Store) {
	keys, errs := race(t, func(n int) (store.Key, error) {
		return s.CreateKey(t.Context(), key(fmt.Sprintf("k%d", n)))
	})
	must(t, errors.Join(errs...))
	for _, k := range keys {
		wantEqual(t, k, keys[0])
	}
	wantEqual(t, got(s.Keys(t.Context(), realm))(t), keys[:1])
}

func raceLease(t *testing.T, s store.Store) {
	for round := range rounds(10) {
		now := at(round * 10)
		held, errs := race(t, func(n int) (bool, error) {
			return s.Lease(t.Context(), "gc", strconv.Itoa(n), now.Add(10*time.Second), now)
		})
		must(t, errors.Join(errs...))
		owners := 0
		for _, yes := range held {
			if yes {
				owners++
			}
		}
		wantEqual(t, owners, 1)
	}
}

func raceRemember(t *testing.T, s store.Store) {
	values, errs := race(t, func(n int) (string, error) {
		return s.Remember(t.Context(), "name", strconv.Itoa(n))
	})
	must(t, errors.Join(errs...))
	for _, value := range values {
		wantEqual(t, value, values[0])
	}
}

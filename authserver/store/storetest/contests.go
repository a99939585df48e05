package storetest

import (
	"os"
	"strconv"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// inEach is how many race for one row in Races, all nodes together.
	inEach = 16
	// inContest is how many rows they go through before they wait for each other.
	inContest = 50
	// racesVariable asks for more races than a change is judged by.
	racesVariable = "STORETEST_RACES"
	// families names the races whose rows are looked at again.
	families = "F20 AS36 AS39 families"
)

// races is how many rows Races uses of each kind.
func races() int {
	if n, err := strconv.Atoi(os.Getenv(racesVariable)); err == nil && n > 0 {
		return n
	}
	return 200
}

// Races lets 16 race for each of many codes, refresh families and proofs of the
// store that open opens by name, in this process or half of them in another (F19,
// F20): no code or proof works twice, no family forks, none is revoked that was
// used honestly, a late replay is always caught, and nothing is a fault.
func Races(t *testing.T, name string, open Opener, processes int) {
	s := got(open(name))(t)
	t.Cleanup(func() { must(t, s.Close()) })
	var other *helper
	if processes == 2 {
		other = startHelper(t, "racer", name)
	}
	family := func(id string) store.Grant { return active(id, 1) }

	runContests(t, s, other, "F19 AS5 codes", contest{Kind: "code"}, pending,
		tally{Won: 1, Replayed: inEach - 1})
	runContests(t, s, other, families, contest{Kind: "refresh", Grace: 10}, family,
		tally{Won: inEach, Generation: 2})
	t.Run("F20 no honest family is revoked", func(t *testing.T) {
		for n := range races() {
			grant := stored(t, s, contest{Prefix: families}.id(n))
			if grant.State != store.GrantActive || grant.Generation != 2 {
				t.Fatalf("%s has state %d and generation %d", grant.ID, grant.State, grant.Generation)
			}
		}
	})
	runContests(t, s, other, "F20 AS37 late replays", contest{Kind: "late", Grace: 10, Prefix: families}, nil,
		tally{Replayed: 1, Refused: inEach - 1})
	t.Run("F20 AS37 each family is revoked and logged once", func(t *testing.T) {
		revoked := map[string]int{}
		for _, entry := range logged(t, s, start) {
			revoked[entry.Key]++
		}
		for n := range races() {
			id := contest{Prefix: families}.id(n)
			if state := stored(t, s, id).State; state != store.GrantRevoked || revoked[id] != 1 {
				t.Fatalf("%s has state %d and is logged %d times", id, state, revoked[id])
			}
		}
	})
	runContests(t, s, other, "G77 proofs", contest{Kind: "id"}, nil,
		tally{Won: 1, Replayed: inEach - 1})
	runContests(t, s, other, "AS64 attempts", contest{Kind: "attempt"}, nil,
		tally{Won: 1, Replayed: inEach - 1})
	if other != nil {
		other.end(t)
	}
}

// runContests runs contests over all rows, and says how they came out.
func runContests(t *testing.T, s store.Store, other *helper, name string, c contest, grant func(id string) store.Grant, want tally) {
	t.Run(name, func(t *testing.T) {
		if c.Prefix == "" {
			c.Prefix = name
		}
		c.Racers = inEach
		if other != nil {
			c.Racers = inEach / 2
		}
		var total, ours tally
		for c.First = 0; c.First < races(); c.First += c.Count {
			c.Count = min(inContest, races()-c.First)
			if grant != nil {
				createAll(t, s, c, grant)
			}
			var answer <-chan []tally
			if other != nil {
				answer = other.race(t, c)
			}
			tallies := c.run(s)
			for _, one := range tallies {
				ours.add(one)
			}
			if other != nil {
				for n, theirs := range <-answer {
					tallies[n].add(theirs)
				}
			}
			c.wantTally(t, tallies, want)
			for _, one := range tallies {
				total.add(one)
			}
		}
		t.Logf("%d rows, %d-way: %d won, %d replayed, %d refused, 0 faults; %d, %d and %d of them in this process",
			races(), inEach, total.Won, total.Replayed, total.Refused, ours.Won, ours.Replayed, ours.Refused)
	})
}

package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// Opener opens the store of a name, such as a path or a connection string.
// Several processes may do so at once.
type Opener func(name string) (store.Store, error)

const (
	roleVariable = "STORETEST_ROLE"
	nameVariable = "STORETEST_NAME"
)

// Main is the TestMain of a package that uses Processes or Crash. Those start
// the test binary again, and there Main plays the other process's part.
func Main(m *testing.M, open Opener) {
	role, ok := map[string]func(store.Store) error{
		"racer": playRacer, "writer": playWriter,
	}[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(pgtest.Main(m))
	}
	if err := play(role, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(role func(store.Store) error, open Opener) error {
	s, err := open(os.Getenv(nameVariable))
	if err != nil {
		return err
	}
	return errors.Join(role(s), s.Close())
}

// helper is the test binary in another process, playing a role.
type helper struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

func startHelper(t *testing.T, role, name string) *helper {
	t.Helper()
	binary, err := os.Executable()
	must(t, err)
	h := &helper{command: exec.CommandContext(t.Context(), binary)}
	h.command.Env = append(os.Environ(), roleVariable+"="+role, nameVariable+"="+name)
	h.command.Stderr = os.Stderr
	h.input, err = h.command.StdinPipe()
	must(t, err)
	output, err := h.command.StdoutPipe()
	must(t, err)
	h.output = bufio.NewReader(output)
	must(t, h.command.Start())
	return h
}

// end lets the other process finish.
func (h *helper) end(t *testing.T) {
	t.Helper()
	must(t, h.input.Close())
	must(t, h.command.Wait())
}

// Processes races two processes for the codes, refresh tokens and proofs of the
// store that open opens by name: of all uses of a code or a proof one wins, and a
// refresh token has one successor, without a fault on either side.
func Processes(t *testing.T, name string, open Opener) {
	s := got(open(name))(t)
	t.Cleanup(func() { must(t, s.Close()) })
	other := startHelper(t, "racer", name)

	contests := []struct {
		name    string
		contest contest
		grant   func(id string) store.Grant
		want    tally
	}{
		{
			"AS5 one code", contest{Kind: "code"}, pending,
			tally{Won: 1, Replayed: 2*racers - 1},
		},
		{
			"AS36 AS39 one refresh token", contest{Kind: "refresh", Grace: 10},
			func(id string) store.Grant { return active(id, 1) },
			tally{Won: 2 * racers, Generation: 2},
		},
		{
			"AS36 one refresh token without grace", contest{Kind: "refresh"},
			func(id string) store.Grant { return active(id, 1) },
			tally{Won: 1, Refused: 2*racers - 1, Generation: 2},
		},
		{
			"G77 one proof", contest{Kind: "id"}, pending,
			tally{Won: 1, Replayed: 2*racers - 1},
		},
	}
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) {
			c.contest.Prefix, c.contest.Racers, c.contest.Count = c.name, racers, inStep
			won, total := 0, rounds(700)
			for c.contest.First = 0; c.contest.First < total; c.contest.First += inStep {
				createAll(t, s, c.contest, c.grant)
				answer := other.race(t, c.contest)
				ours, theirs := c.contest.run(s), <-answer
				for n := range theirs {
					won += ours[n].Won
					ours[n].add(theirs[n])
				}
				c.contest.wantTally(t, ours, c.want)
			}
			// Two that never meet do not race.
			if won == 0 || won == total*c.want.Won {
				t.Fatalf("one process won %d of %d races", won, total)
			}
		})
	}
	other.end(t)
}

// racers is how many in each process race for one row.
const racers = 2

// inStep is how many races the processes run before they wait for each other.
const inStep = 10

// contest is some races, one a grant.
type contest struct {
	Kind   string // code, refresh, late or id
	Grace  int
	Prefix string
	First  int
	Count  int
	Racers int // of each process
}

// id is the grant of the nth race.
func (c contest) id(n int) string { return c.Prefix + " " + strconv.Itoa(c.First+n) }

// wantTally sees that all races of a contest came out as they have to.
func (c contest) wantTally(t *testing.T, got []tally, want tally) {
	t.Helper()
	if len(got) != c.Count {
		t.Fatalf("%d races were run, want %d", len(got), c.Count)
	}
	for n := range got {
		if got[n] != want {
			t.Fatalf("%s: got %+v, want %+v", c.id(n), got[n], want)
		}
	}
}

// tally counts how the uses of one grant came out.
type tally struct {
	Won, Replayed, Refused int
	// Generation is what every winner of a rotation was given.
	Generation uint32
	// Fault is any error that the interface does not name.
	Fault string
}

func (t *tally) count(generation uint32, err error) {
	one := tally{Won: 1, Generation: generation}
	switch {
	case errors.Is(err, store.ErrReplayed):
		one = tally{Replayed: 1}
	case errors.Is(err, store.ErrNotFound):
		one = tally{Refused: 1}
	case err != nil:
		one = tally{Fault: err.Error()}
	}
	t.add(one)
}

func (t *tally) add(other tally) {
	t.Won += other.Won
	t.Replayed += other.Replayed
	t.Refused += other.Refused
	switch {
	case other.Fault != "":
		t.Fault = other.Fault
	case other.Won > 0 && t.Generation != 0 && t.Generation != other.Generation:
		t.Fault = fmt.Sprintf("a fork: generations %d and %d", t.Generation, other.Generation)
	case other.Won > 0:
		t.Generation = other.Generation
	}
}

// run uses every grant with each racer, in the same order.
func (c contest) run(s store.Store) []tally {
	tallies := make([]tally, c.Count)
	var mutex sync.Mutex
	var all sync.WaitGroup
	for range c.Racers {
		all.Go(func() {
			for n := range c.Count {
				generation, err := c.use(s, c.id(n))
				mutex.Lock()
				tallies[n].count(generation, err)
				mutex.Unlock()
			}
		})
	}
	all.Wait()
	return tallies
}

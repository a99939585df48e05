package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// use spends the code or the first refresh token of a grant, in time or late, or
// its id. generation is what a rotation gave; 0 for all others.
func (c contest) use(s store.Store, id string) (generation uint32, err error) {
	ctx := context.Background()
	switch c.Kind {
	case "code":
		return 0, s.RedeemCode(ctx, redemption(id, at(5)))
	case "id":
		err := s.Spend(ctx, id, at(60))
		if errors.Is(err, store.ErrExists) {
			err = store.ErrReplayed
		}
		return 0, err
	case "attempt":
		once := tries(id, "")
		once.Until = func(_ int, last time.Time) time.Time { return last.Add(time.Minute) }
		taken, err := s.TakeAttempt(ctx, "/", []store.Counter{once}, at(5))
		if err == nil && !taken.Until.IsZero() {
			err = store.ErrReplayed
		}
		return 0, err
	}
	use := rotation(id, 1, at(5))
	if c.Kind == "late" {
		use.Now = at(500)
	}
	use.Grace = time.Duration(c.Grace) * time.Second
	return s.RotateRefresh(ctx, use)
}

// createAll stores the grants of a contest.
func createAll(t *testing.T, s store.Store, c contest, grant func(id string) store.Grant) {
	t.Helper()
	var all sync.WaitGroup
	for n := range c.Count {
		all.Go(func() {
			if err := s.CreateGrant(t.Context(), grant(c.id(n)), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// race has the other process run a contest. It returns when that begins; the
// channel gives the tallies, or nothing when there are none.
func (h *helper) race(t *testing.T, c contest) <-chan []tally {
	t.Helper()
	must(t, json.NewEncoder(h.input).Encode(c))
	begun := got(h.output.ReadString('\n'))(t)
	wantEqual(t, begun, "begun\n")
	answer := make(chan []tally, 1)
	go func() {
		defer close(answer)
		line, err := h.output.ReadBytes('\n')
		var tallies []tally
		if err == nil {
			err = json.Unmarshal(line, &tallies)
		}
		if err != nil {
			t.Errorf("hear from the other process: %v", err)
			return
		}
		answer <- tallies
	}()
	return answer
}

// playRacer runs the contests that standard input asks for.
func playRacer(s store.Store) error {
	asked, answer := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c contest
		if err := asked.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		fmt.Println("begun")
		if err := answer.Encode(c.run(s)); err != nil {
			return err
		}
	}
}

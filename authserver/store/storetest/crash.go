package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// writers work at once in the process that is killed.
	writers = 8
	// acknowledged is how many grants it gets to report before that.
	acknowledged = 150
)

// Crash kills a process that writes to the store which open opens by name,
// again and again, and sees that nothing is lost which was acknowledged: each
// grant that the process reported was created, redeemed and rotated before, and
// a proof was used up with it.
func Crash(t *testing.T, name string, open Opener) {
	reported := make(map[string]bool)
	for range rounds(6) {
		for _, id := range killWriter(t, name) {
			if reported[id] {
				t.Fatalf("grant %s was created twice", id)
			}
			reported[id] = true
		}
		s := got(open(name))(t)
		for id := range reported {
			wantWritten(t, s, id)
		}
		must(t, s.Close())
	}
}

// Outage kills the server that s is kept by, again and again, and sees that
// nothing is lost which was acknowledged, and that s works again by itself.
// restart returns when the server answers.
func Outage(t *testing.T, s store.Store, kill, restart func()) {
	var reported []string
	for round := range rounds(4) {
		ids, enough := make(chan string), make(chan struct{})
		var all sync.WaitGroup
		for n := range writers {
			all.Go(func() {
				for next := 0; ; next++ {
					id := fmt.Sprintf("%d-%d-%d", round, n, next)
					if writeGrant(s, id) != nil {
						return // it may be half done, and nobody was told
					}
					ids <- id
				}
			})
		}
		go func() {
			<-enough
			kill()
			all.Wait()
			close(ids)
		}()
		before := len(reported)
		for id := range ids {
			reported = append(reported, id)
			if len(reported) == before+acknowledged {
				close(enough)
			}
		}
		restart()
		for _, id := range reported {
			wantWritten(t, s, id)
		}
	}
	t.Logf("%d acknowledged, 0 lost", len(reported))
}

// wantWritten sees that what writeGrant has done is there.
func wantWritten(t *testing.T, s store.Store, id string) {
	t.Helper()
	if grant := stored(t, s, id); grant.State != store.GrantActive || grant.Generation != 2 {
		t.Fatalf("grant %s has state %d and generation %d, want 1 and 2", id, grant.State, grant.Generation)
	}
	wantError(t, s.Spend(t.Context(), id, at(60)), store.ErrExists)
}

// killWriter lets a process write until it has reported enough, kills it, and
// gives all that it reported.
func killWriter(t *testing.T, name string) (ids []string) {
	t.Helper()
	writer := startHelper(t, "writer", name)
	for {
		line, err := writer.output.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what was cut off was not reported
		}
		must(t, err)
		ids = append(ids, strings.TrimSuffix(line, "\n"))
		if len(ids) == acknowledged {
			must(t, writer.command.Process.Kill())
		}
	}
	if err := writer.command.Wait(); err == nil || len(ids) < acknowledged {
		t.Fatalf("the writer ended by itself after %d grants: %v", len(ids), err)
	}
	return ids
}

// playWriter writes grants and reports each when the store has acknowledged
// its last step, until the process is killed.
func playWriter(s store.Store) error {
	var report sync.Mutex
	failed := make(chan error)
	for n := range writers {
		go func() {
			for round := 0; ; round++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), n, round)
				if err := writeGrant(s, id); err != nil {
					failed <- err
					return
				}
				report.Lock()
				fmt.Println(id)
				report.Unlock()
			}
		}()
	}
	return <-failed
}

// writeGrant takes a grant from its code to its second refresh token, and uses up
// a proof.
func writeGrant(s store.Store, id string) error {
	ctx := context.Background()
	if err := s.CreateGrant(ctx, pending(id), consentOf("openid")); err != nil {
		return err
	}
	if err := s.RedeemCode(ctx, redemption(id, at(5))); err != nil {
		return err
	}
	if _, err := s.RotateRefresh(ctx, rotation(id, 1, at(6))); err != nil {
		return err
	}
	return s.Spend(ctx, id, at(60))
}

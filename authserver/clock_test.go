package authserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// clockedNode is one of several on the store of a house, with a clock that may be wrong.
type clockedNode struct {
	*house
	t       *testing.T
	backend *authserver.Backend
	server  *authserver.Server
	ahead   time.Duration
	log     bytes.Buffer
}

// clocked opens one whose clock is ahead of the house's.
func (h *house) clocked(t *testing.T, ahead time.Duration) *clockedNode {
	t.Helper()
	n := &clockedNode{house: h, t: t, ahead: ahead}
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&n.log, nil))
	if n.backend, err = authserver.OpenBackend(t.Context(), h.Store, wrapper, h.Hasher, log, n.now); err != nil {
		t.Fatal(err)
	}
	begun := h.Clock.Now()
	n.backend.SetRunning(func() time.Duration { return h.Clock.Now().Sub(begun) })
	if n.server, err = authserver.New(t.Context(), h.config, n.backend, authserver.Options{Observer: h.Observer, Log: log}); err != nil {
		t.Fatal(err)
	}
	n.upkeep()
	return n
}

func (n *clockedNode) now() time.Time { return n.Clock.Now().Add(n.ahead) }

// upkeep does what Run does.
func (n *clockedNode) upkeep() {
	n.t.Helper()
	n.backend.Read(n.t.Context())
	if err := n.backend.Purge(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// tokens is what the token endpoint answers.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (n *clockedNode) tokens(pairs ...string) (answer tokens, status int) {
	n.t.Helper()
	response := n.post(n.server, "/oauth2/access_token", nil, pairs...)
	if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
		n.t.Fatalf("%v: %s", err, response.Body)
	}
	return answer, response.Code
}

func (n *clockedNode) signIn() (access, refresh string) {
	n.t.Helper()
	answer, status := n.tokens("grant_type", "password", "username", "demo", "password", "Ch4ng31t", "scope", "openid offline_access")
	if status != http.StatusOK {
		n.t.Fatalf("signing in: status %d", status)
	}
	return answer.Access, answer.Refresh
}

func (n *clockedNode) refresh(token string) (string, int) {
	n.t.Helper()
	answer, status := n.tokens("grant_type", "refresh_token", "refresh_token", token)
	return answer.Refresh, status
}

func (n *clockedNode) active(token string) bool {
	n.t.Helper()
	return strings.Contains(n.post(n.server, "/oauth2/introspect", nil, "token", token).Body.String(), `"active":true`)
}

// F10: a clock leaps while tokens are about, deletions and readings go on, and it
// comes back. What was revoked or has ended is so before, during and after.
func TestF10_ALeapRevivesNothingAndEndsNothing(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, leap := range map[string]time.Duration{
		"an hour ahead": time.Hour, "an hour behind": -time.Hour, "ten years ahead": 10 * year, "ten years behind": -10 * year,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.clocked(t, 0)
			_, ended := n.signIn()
			h.Clock.Advance(31 * 24 * time.Hour)
			n.upkeep()
			revokedAccess, revoked := n.signIn()
			lone, _ := n.signIn() // ended alone: only the log knows
			for _, token := range []string{revoked, lone} {
				if answer := n.post(n.server, "/oauth2/token/revoke", nil, "token", token); answer.Code != http.StatusOK {
					t.Fatal(answer.Body)
				}
			}
			access, live := n.signIn()
			dead := func(when string) {
				t.Helper()
				if n.active(revokedAccess) || n.active(lone) {
					t.Errorf("%s: a revoked access token is active", when)
				}
				for what, token := range map[string]string{"revoked": revoked, "expired": ended} {
					if _, status := n.refresh(token); status != http.StatusBadRequest {
						t.Errorf("%s: a refresh token that was %s: status %d", when, what, status)
					}
				}
			}
			dead("before")
			n.ahead = leap
			for range 20 {
				h.Clock.Advance(2 * time.Second)
				n.upkeep()
			}
			dead("during")
			if astray := n.backend.Status().ClockAhead; (astray - leap).Abs() > time.Minute {
				t.Errorf("it is said to be %v ahead", astray)
			}
			if !strings.Contains(n.log.String(), "time synchronization") {
				t.Error("nobody is warned")
			}
			n.ahead = 0
			h.Clock.Advance(2 * time.Second)
			n.upkeep()
			dead("after")
			if !n.active(access) {
				t.Error("a live access token is dead")
			}
			if _, status := n.refresh(live); status != http.StatusOK {
				t.Errorf("a live refresh token: status %d", status)
			}
			again := h.clocked(t, 0)
			if again.active(revokedAccess) || again.active(lone) {
				t.Error("the store has forgotten what was revoked")
			}
			if n.backend.Status().ClockAhead != 0 {
				t.Error("the clock is still said to be wrong")
			}
			// A node that starts while its clock is wrong, which is then set right.
			late := h.clocked(t, leap)
			late.ahead = 0
			h.Clock.Advance(2 * time.Second)
			late.upkeep()
			if late.active(revokedAccess) || late.active(lone) {
				t.Error("a node that started with a wrong clock does not know what was revoked")
			}
		})
	}
}

// heard is a store that notes which revocations are no longer asked for.
type heard struct {
	store.Store
	before time.Time
}

func (h *heard) Revocations(ctx context.Context, after int64, now time.Time) ([]store.Revocation, int64, error) {
	h.before = now
	return h.Store.Revocations(ctx, after, now)
}

// F10: nor is what was revoked forgotten in memory by a clock that leaps, whether
// the node starts with it or is running.
func TestF10_NothingRevokedIsForgottenByALeap(t *testing.T) {
	h := newHouse(t)
	h.clocked(t, 0).upkeep() // somebody has told the time
	wrapper, err := keys.NewWrapper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, ahead := range map[string][]time.Duration{
		"at a start": {365 * 24 * time.Hour}, "later": {0, 365 * 24 * time.Hour, 365 * 24 * time.Hour},
	} {
		st, offset := &heard{Store: h.Store}, ahead[0]
		now := func() time.Time { return h.Clock.Now().Add(offset) }
		b, err := authserver.OpenBackend(t.Context(), st, wrapper, h.Hasher, slog.New(slog.DiscardHandler), now)
		if err != nil {
			t.Fatal(err)
		}
		begun := h.Clock.Now()
		b.SetRunning(func() time.Duration { return h.Clock.Now().Sub(begun) })
		for _, offset = range ahead {
			b.Read(t.Context())
			if st.before.After(h.Clock.Now()) {
				t.Errorf("%s: asks only for what ends after %s, and it is %s", name, st.before, h.Clock.Now())
			}
			h.Clock.Advance(time.Second)
		}
	}
}

// F10: an entry of the deny-list that a leaping clock took for ended is told again.
func TestF10_TheDenyListIsWholeAfterALeap(t *testing.T) {
	h := newHouse(t)
	n := h.clocked(t, 0)
	told := 0
	if err := n.backend.Denials().Follow(t.Context(), func(changes []store.Denial) { told += len(changes) }); err != nil {
		t.Fatal(err)
	}
	now := h.Clock.Now()
	entry := store.Denial{Kind: store.DenySubject, Value: "mallory", Created: now, NotBefore: now, Expires: now.Add(24 * time.Hour)}
	if err := n.backend.Denials().Put(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{100 * 24 * time.Hour, 0} {
		n.ahead = ahead
		h.Clock.Advance(2 * time.Second)
		n.upkeep()
		n.upkeep()
	}
	if told != 2 {
		t.Errorf("the entry was told %d times, want when it was made and after the leap", told)
	}
}

// F10: a token from a time that has not come is not good before.
func TestF10_WhatIsPreDatedIsNotAccepted(t *testing.T) {
	h := newHouse(t)
	n := h.clocked(t, time.Hour)
	access, _ := n.signIn()
	n.ahead = 0
	if n.active(access) {
		t.Error("an access token is active an hour before it is issued")
	}
}

// F10: two nodes, half a minute ahead and behind. Callers go from one to the other.
func TestF10_NodesHalfAMinuteApartRefuseNothing(t *testing.T) {
	h := newHouse(t)
	nodes := []*clockedNode{h.clocked(t, 30*time.Second), h.clocked(t, -30*time.Second)}
	_, refresh := nodes[0].signIn()
	for i := range 40 {
		at := nodes[i%2]
		access, _ := nodes[(i+1)%2].signIn()
		if !at.active(access) {
			t.Fatalf("round %d: a token of the other node is not active", i)
		}
		next, status := at.refresh(refresh)
		if status != http.StatusOK {
			t.Fatalf("round %d: a refresh has status %d", i, status)
		}
		refresh = next
		h.Clock.Advance(7 * time.Second)
		for _, n := range nodes {
			n.upkeep()
			if n.backend.Status().ClockAhead != 0 {
				t.Fatal("a clock is half a minute off and not believed")
			}
		}
	}
}

// A node that is alone and far ahead, and believed after a day, leaves a lease
// that would last for years. The nodes that come after it still delete.
func TestF10_ALeaseFromTheFutureIsTakenOver(t *testing.T) {
	h := newHouse(t)
	n := h.clocked(t, 10*365*24*time.Hour)
	h.Clock.Advance(24 * time.Hour)
	n.upkeep()
	right := h.clocked(t, 0)
	for range 25 {
		h.Clock.Advance(time.Hour)
		right.upkeep()
	}
	until, err := h.Store.LeasedUntil(t.Context(), "purge")
	if err != nil || until.Sub(h.Clock.Now()) > time.Minute {
		t.Errorf("the lease lasts until %v, %v", until, err)
	}
}

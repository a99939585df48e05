package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// leaps are by how much a clock may be wrong, in seconds.
var leaps = map[string]int{
	"an hour ahead": 3600, "an hour behind": -3600,
	"ten years ahead": 10 * 365 * 86400, "ten years behind": -10 * 365 * 86400,
}

var clockChecks = []check{
	{"the clock that nodes share is none, or goes on", func(t *testing.T, s store.Store) {
		first := got(s.Clock(t.Context()))(t)
		second := got(s.Clock(t.Context()))(t)
		if gone := second.Sub(first); first.IsZero() != second.IsZero() || gone < 0 || gone > time.Minute {
			t.Errorf("first it is %v, then %v", first, second)
		}
	}},
	{"F10 a lease says by whose clock it was taken last", func(t *testing.T, s store.Store) {
		wantEqual(t, got(s.LeasedUntil(t.Context(), "gc"))(t), time.Time{})
		got(s.Lease(t.Context(), "gc", "a", at(30), start))(t)
		wantEqual(t, got(s.LeasedUntil(t.Context(), "gc"))(t), at(30))
		got(s.Lease(t.Context(), "gc", "b", at(50), at(20)))(t)
		wantEqual(t, got(s.LeasedUntil(t.Context(), "gc"))(t), at(30))
	}},
	{"F10 what a leaping clock does not delete is as it was when the clock is right again", func(t *testing.T, s store.Store) {
		for name, leap := range leaps {
			code, family := create(t, s, pending("code "+name)), create(t, s, active("family "+name, 2))
			before := len(logged(t, s, start))
			must(t, s.RevokeToken(t.Context(), realm, "token "+name, at(900), start))
			try := func(now time.Time) (errs [4]error) {
				errs[0] = s.RedeemCode(t.Context(), store.Redemption{
					Realm: realm, GrantID: "no " + code.ID, ClientID: client, CodeHash: codeHash, Now: now, PurgeAt: now,
				})
				use := rotation(family.ID, 1, now)
				use.ClientID = otherThan
				_, errs[1] = s.RotateRefresh(t.Context(), use)
				_, errs[2] = s.Session(t.Context(), realm, "none", now)
				_, errs[3] = s.TouchRefresh(t.Context(), use)
				return errs
			}
			for step, err := range try(at(leap)) {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s: step %d gives %v", name, step, err)
				}
			}
			wantEqual(t, stored(t, s, code.ID), code)
			wantEqual(t, stored(t, s, family.ID), family)
			wantEqual(t, len(logged(t, s, start)), before+1)
		}
	}},
	{"F10 what has ended stays so for each step, and what has not lives when the clock is right again", func(t *testing.T, s store.Store) {
		for name, leap := range leaps {
			code, family, visit := pending("c "+name), active("f "+name, 2), session("s "+name)
			create(t, s, code)
			create(t, s, family)
			must(t, s.CreateSession(t.Context(), visit, ""))
			if leap > 0 {
				wantOver(t, s, name, at(leap))
			}
			// One that ended before the leap behind would live by its clock; nobody
			// deleted it, so that it is over again when the clock is.
			wantOver(t, s, name, at(4000))
			if leap > 0 {
				redeemed(t, s, redemption(code.ID, at(5)))
				rotated(t, s, rotation(family.ID, 2, at(5)))
				got(s.Session(t.Context(), realm, visit.Digest, at(5)))(t)
			}
		}
	}},
	{"F10 two nodes half a minute apart refuse nothing of each other", func(t *testing.T, s store.Store) {
		ahead, behind := func(n int) time.Time { return at(n + 30) }, func(n int) time.Time { return at(n - 30) }
		for i, nodes := range [][2]func(int) time.Time{{ahead, behind}, {behind, ahead}} {
			id := fmt.Sprint("grant", i)
			code := pending(id)
			code.Created, code.CodeExpires = nodes[0](0), nodes[0](0).Add(120*time.Second)
			create(t, s, code)
			redeemed(t, s, redemption(id, nodes[1](1)))
			for generation := range uint32(6) {
				use := rotation(id, generation+1, nodes[generation%2](int(generation)*20))
				rotated(t, s, use)
				// The answer was lost, and the same node is asked again.
				use.Now = use.Now.Add(time.Second)
				wantEqual(t, rotated(t, s, use).Generation, generation+2)
			}
			visit := session(id)
			must(t, s.CreateSession(t.Context(), visit, ""))
			got(s.Session(t.Context(), realm, visit.Digest, nodes[1](1)))(t)
		}
	}},
}

// wantOver sees that each step takes a fixture for over at a moment.
func wantOver(t *testing.T, s store.Store, name string, now time.Time) {
	t.Helper()
	use := rotation("f "+name, 2, now)
	for step, err := range map[string]error{
		"redeem":        s.RedeemCode(t.Context(), redemption("c "+name, now)),
		"rotate":        failure(s.RotateRefresh(t.Context(), use)),
		"touch":         failure(s.TouchRefresh(t.Context(), use)),
		"session":       failure(s.Session(t.Context(), realm, session("s "+name).Digest, now)),
		"touch session": s.TouchSession(t.Context(), realm, session("s "+name).Digest, now.Add(time.Hour), now),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %s at %v gives %v", name, step, now, err)
		}
	}
}

package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var zeroTime time.Time

var refreshChecks = []check{
	{"AS36 has one successor", func(t *testing.T, s store.Store) {
		want := create(t, s, active(grantID, 3))
		use := rotation(grantID, 3, at(100))
		wantNoZeroField(t, use)

		want.Generation, want.RotatedAt = 4, use.Now
		want.IdleExpires, want.PurgeAt = use.IdleExpires, use.PurgeAt
		wantEqual(t, rotated(t, s, use), want)
		wantUntouched(t, s, want)
		wantEqual(t, rotated(t, s, rotation(grantID, 4, at(200))).Generation, uint32(5))
	}},
	{"never shortens the life of its row", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 1))
		use := rotation(grantID, 1, at(100))
		use.PurgeAt = at(200)
		wantEqual(t, rotated(t, s, use).PurgeAt, grant.PurgeAt)
	}},
	{"moves the end of its row for more than a tenth of the span", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 1)) // its row ends at 3600
		use := rotation(grantID, 1, at(100))
		use.PurgeAt = at(100 + 11*350) // which has to cover 3600
		wantEqual(t, rotated(t, s, use).PurgeAt, grant.PurgeAt)
		use = rotation(grantID, 2, at(100))
		use.PurgeAt = at(100 + 11*351)
		wantEqual(t, rotated(t, s, use).PurgeAt, use.PurgeAt)
	}},
	{"may lose its idle end", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		use := rotation(grantID, 1, at(100))
		use.IdleExpires = zeroTime
		wantEqual(t, rotated(t, s, use).IdleExpires, zeroTime)
		rotated(t, s, rotation(grantID, 2, at(2999)))
	}},
	{"AS35 is refused", func(t *testing.T, s store.Store) { refuseRefresh(t, s, s.RotateRefresh) }},
	{"AS38 retry gets the successor whose answer was lost", retryInGrace},
	{"AS39 retry after the successor was used gets nothing", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		rotated(t, s, rotation(grantID, 1, at(100)))
		grant := rotated(t, s, rotation(grantID, 2, at(103)))
		// An honest duplicate may come late, so the family is kept within the
		// grace of the last rotation.
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 1, at(112)))
		wantError(t, err, store.ErrNotFound)
		wantUntouched(t, s, grant)
		_, err = s.RotateRefresh(t.Context(), rotation(grantID, 1, at(113)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"AS40 retries do not extend the grace", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		rotated(t, s, rotation(grantID, 1, at(100)))
		for now := 101; now < 110; now++ {
			rotated(t, s, rotation(grantID, 1, at(now)))
		}
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 1, at(110)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"AS37 reuse revokes the family, once", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		rotated(t, s, rotation(grantID, 1, at(100)))
		rotated(t, s, rotation(grantID, 2, at(200)))
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 2, at(300)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
		for generation := range uint32(5) {
			_, err := s.RotateRefresh(t.Context(), rotation(grantID, generation, at(300)))
			wantError(t, err, store.ErrNotFound)
		}
		wantRevoked(t, s, grantID)
	}},
	{"AS37 reuse by a stranger revokes nothing", func(t *testing.T, s store.Store) {
		for name, change := range strangersRefresh {
			create(t, s, active(grantID+name, 1))
			grant := rotated(t, s, rotation(grantID+name, 1, at(100)))
			use := rotation(grant.ID, 1, at(300))
			change(&use)
			_, err := s.RotateRefresh(t.Context(), use)
			wantError(t, err, store.ErrNotFound)
			wantUntouched(t, s, grant)
		}
	}},
	{"AS37 reuse of an expired family revokes nothing", func(t *testing.T, s store.Store) {
		for name, end := range map[string]func(*store.Grant){
			"idle":     func(g *store.Grant) { g.IdleExpires = at(300) },
			"absolute": func(g *store.Grant) { g.Expires = at(300) },
		} {
			grant := active(grantID+name, 3)
			end(&grant)
			create(t, s, grant)
			_, err := s.RotateRefresh(t.Context(), rotation(grant.ID, 1, at(300)))
			wantError(t, err, store.ErrNotFound)
			wantUntouched(t, s, grant)
		}
	}},
	{"AS38 without grace an honest race costs an answer, not the family", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		grant := rotated(t, s, rotation(grantID, 1, at(100)))
		again := rotation(grantID, 1, at(104))
		again.Grace = 0
		_, err := s.RotateRefresh(t.Context(), again)
		wantError(t, err, store.ErrNotFound)
		wantUntouched(t, s, grant)
		again.Now = at(105)
		_, err = s.RotateRefresh(t.Context(), again)
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"AS37 without grace an older one revokes at once", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		use := rotation(grantID, 1, at(1))
		use.Grace = 0
		_, err := s.RotateRefresh(t.Context(), use)
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"moves a family forward that lost a commit", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		wantEqual(t, rotated(t, s, rotation(grantID, 8, at(100))).Generation, uint32(9))
		wantEqual(t, rotated(t, s, rotation(grantID, 8, at(105))).Generation, uint32(9))
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 3, at(200)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"has no successor at the highest generation", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 1<<32-1))
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 1<<32-1, at(100)))
		wantError(t, err, store.ErrNotFound)
		wantUntouched(t, s, grant)
	}},
}

// strangersRefresh are the ways in which a refresh token is not the presenter's.
var strangersRefresh = map[string]func(*store.Rotation){
	"another client":      func(r *store.Rotation) { r.ClientID = otherThan },
	"AS57 another realm":  func(r *store.Rotation) { r.Realm = otherRealm },
	"an unknown grant id": func(r *store.Rotation) { r.GrantID = "unknown" },
}

// refuseRefresh tries everything that keeps a family from being refreshed, by
// the current generation and by one of the future.
func refuseRefresh(t *testing.T, s store.Store, use func(context.Context, store.Rotation) (uint32, error)) {
	uses := map[string]func(*store.Rotation){
		"at its idle end": func(r *store.Rotation) { r.Now = at(1000) },
		"after it":        func(r *store.Rotation) { r.Now = at(1001) },
		"generation 0":    func(r *store.Rotation) { r.Generation = 0 },
	}
	for name, change := range strangersRefresh {
		uses[name] = change
	}
	grants := map[string]func(*store.Grant){
		"at its absolute end": func(g *store.Grant) { g.Expires = at(100) },
		"after that":          func(g *store.Grant) { g.Expires = at(99) },
		"when revoked":        func(g *store.Grant) { g.State = store.GrantRevoked },
		"before its code was redeemed": func(g *store.Grant) {
			g.State = store.GrantPending
		},
		"when none was issued": func(g *store.Grant) { g.Generation = 0 },
	}
	for _, generation := range []uint32{1, 5} {
		try := func(name string, changeUse func(*store.Rotation), changeGrant func(*store.Grant)) {
			t.Run(name, func(t *testing.T) {
				grant := active(t.Name(), 1)
				changeGrant(&grant)
				create(t, s, grant)
				r := rotation(grant.ID, generation, at(100))
				changeUse(&r)
				_, err := use(t.Context(), r)
				wantError(t, err, store.ErrNotFound)
				wantUntouched(t, s, grant)
			})
		}
		for name, change := range uses {
			try(name, change, func(*store.Grant) {})
		}
		for name, change := range grants {
			try(name, func(*store.Rotation) {}, change)
		}
	}
}

// rotated spends a refresh token and gives its grant as it is then.
func rotated(t *testing.T, s store.Store, use store.Rotation) store.Grant {
	t.Helper()
	generation := got(s.RotateRefresh(t.Context(), use))(t)
	grant := stored(t, s, use.GrantID)
	wantEqual(t, generation, grant.Generation)
	return grant
}

// touched is rotated for tokens that do not rotate.
func touched(t *testing.T, s store.Store, use store.Rotation) store.Grant {
	t.Helper()
	generation := got(s.TouchRefresh(t.Context(), use))(t)
	grant := stored(t, s, use.GrantID)
	wantEqual(t, generation, grant.Generation)
	return grant
}

func retryInGrace(t *testing.T, s store.Store) {
	create(t, s, active(grantID, 1))
	grant := rotated(t, s, rotation(grantID, 1, at(100)))
	for _, now := range []int{100, 105, 109} {
		retry := rotation(grantID, 1, at(now))
		retry.IdleExpires, retry.PurgeAt = at(2900), at(9000)
		wantEqual(t, rotated(t, s, retry), grant)
		wantUntouched(t, s, grant)
	}
	// The successor that every retry was given works.
	wantEqual(t, rotated(t, s, rotation(grantID, 2, at(110))).Generation, uint32(3))
}

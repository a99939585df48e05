package storetest

import (
	"context"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var touchChecks = []check{
	{"keeps the generation and moves the idle end", func(t *testing.T, s store.Store) {
		want := create(t, s, active(grantID, 3))
		use := rotation(grantID, 3, at(500))
		want.IdleExpires, want.PurgeAt = use.IdleExpires, use.PurgeAt
		wantEqual(t, touched(t, s, use), want)
		wantUntouched(t, s, want)
	}},
	{"writes nothing for a gain of a tenth", func(t *testing.T, s store.Store) {
		grant := create(t, s, active(grantID, 3))
		use := rotation(grantID, 3, at(100))
		use.PurgeAt = grant.PurgeAt
		wantEqual(t, touched(t, s, use), grant)
		use = rotation(grantID, 3, at(101))
		use.PurgeAt = grant.PurgeAt
		wantEqual(t, touched(t, s, use).IdleExpires, use.IdleExpires)
	}},
	{"keeps the row while what is issued now lives", func(t *testing.T, s store.Store) {
		grant := active(grantID, 3)
		grant.IdleExpires = grant.Expires
		create(t, s, grant)
		// The idle end can gain nothing more, the row must.
		use := rotation(grantID, 3, at(2999))
		use.IdleExpires, use.PurgeAt = grant.Expires, at(9000)
		wantEqual(t, touched(t, s, use).PurgeAt, use.PurgeAt)
	}},
	{"never ends what never ends", func(t *testing.T, s store.Store) {
		grant := active(grantID, 3)
		grant.IdleExpires, grant.Expires, grant.PurgeAt = zeroTime, zeroTime, at(1<<31)
		create(t, s, grant)
		use := rotation(grantID, 3, at(1<<30))
		use.IdleExpires = zeroTime
		wantEqual(t, touched(t, s, use), grant)
	}},
	{"AS35 is refused", func(t *testing.T, s store.Store) { refuseRefresh(t, s, s.TouchRefresh) }},
	{"AS35 is refused where it would write nothing", func(t *testing.T, s store.Store) {
		refuseRefresh(t, s, func(ctx context.Context, r store.Rotation) (uint32, error) {
			grant := active("", 1)
			r.IdleExpires, r.PurgeAt = grant.IdleExpires, grant.PurgeAt
			return s.TouchRefresh(ctx, r)
		})
	}},
	{"AS38 predecessor in grace gets the current generation", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		grant := rotated(t, s, rotation(grantID, 1, at(100)))
		wantEqual(t, touched(t, s, rotation(grantID, 1, at(109))), grant)
		wantUntouched(t, s, grant)
	}},
	{"AS37 predecessor after it revokes the family", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 1))
		rotated(t, s, rotation(grantID, 1, at(100)))
		_, err := s.TouchRefresh(t.Context(), rotation(grantID, 1, at(110)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"moves a family forward that lost a commit", func(t *testing.T, s store.Store) {
		create(t, s, active(grantID, 3))
		grant := touched(t, s, rotation(grantID, 8, at(100)))
		wantEqual(t, grant.Generation, uint32(8))
		wantEqual(t, grant.RotatedAt, at(100))
		wantEqual(t, touched(t, s, rotation(grantID, 8, at(100))), grant)
	}},
}

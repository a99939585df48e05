package storetest

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var codeChecks = []check{
	{"AS5 is redeemed once", func(t *testing.T, s store.Store) {
		want := create(t, s, pending(grantID))
		use := redemption(grantID, at(5))
		wantNoZeroField(t, use)

		want.State = store.GrantActive
		want.Generation, want.RefreshKey, want.RotatedAt = use.Generation, use.RefreshKey, use.Now
		want.IdleExpires, want.Expires, want.PurgeAt = use.IdleExpires, use.Expires, use.PurgeAt
		wantEqual(t, redeemed(t, s, use), want)
		wantUntouched(t, s, want)
	}},
	{"may come without a refresh token", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		use := redemption(grantID, at(5))
		use.Generation, use.RefreshKey = 0, ""
		grant := redeemed(t, s, use)
		wantEqual(t, grant.Generation, uint32(0))
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 1, at(6)))
		wantError(t, err, store.ErrNotFound)
	}},
	{"may begin a family that never ends", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		use := redemption(grantID, at(5))
		use.IdleExpires, use.Expires = zeroTime, zeroTime
		grant := redeemed(t, s, use)
		wantEqual(t, grant.IdleExpires, zeroTime)
		wantEqual(t, grant.Expires, zeroTime)
		rotated(t, s, rotation(grantID, 1, at(1<<30)))
	}},
	{"never shortens the life of its row", func(t *testing.T, s store.Store) {
		grant := create(t, s, pending(grantID))
		use := redemption(grantID, at(5))
		use.PurgeAt = at(10)
		wantEqual(t, redeemed(t, s, use).PurgeAt, grant.PurgeAt)
	}},
	{"AS5 is refused without being spent", refuseCodeUnspent},
	{"is refused when its grant was revoked before", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		must(t, s.RevokeGrant(t.Context(), realm, grantID, at(1)))
		for range 2 {
			err := s.RedeemCode(t.Context(), redemption(grantID, at(5)))
			wantError(t, err, store.ErrNotFound)
		}
	}},
	{"is refused where a grant has none", func(t *testing.T, s store.Store) {
		grant := active(grantID, 1)
		grant.CodeHash, grant.CodeExpires = "", zeroTime
		create(t, s, grant)
		use := redemption(grantID, at(5))
		use.CodeHash = ""
		err := s.RedeemCode(t.Context(), use)
		wantError(t, err, store.ErrNotFound)
		wantUntouched(t, s, grant)
	}},
	{"AS6 second use revokes the family", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		redeemed(t, s, redemption(grantID, at(5)))
		for n := range 3 {
			err := s.RedeemCode(t.Context(), redemption(grantID, at(6+n)))
			wantError(t, err, store.ErrReplayed)
			wantRevoked(t, s, grantID)
		}
		_, err := s.RotateRefresh(t.Context(), rotation(grantID, 1, at(10)))
		wantError(t, err, store.ErrNotFound)
	}},
	{"AS6 second use revokes the family after the code's end too", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		redeemed(t, s, redemption(grantID, at(5)))
		err := s.RedeemCode(t.Context(), redemption(grantID, at(600)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"AS6 second use is a replay after a revocation too", func(t *testing.T, s store.Store) {
		create(t, s, pending(grantID))
		redeemed(t, s, redemption(grantID, at(5)))
		must(t, s.RevokeGrant(t.Context(), realm, grantID, at(6)))
		err := s.RedeemCode(t.Context(), redemption(grantID, at(7)))
		wantError(t, err, store.ErrReplayed)
		wantRevoked(t, s, grantID)
	}},
	{"AS6 second use by a stranger revokes nothing", func(t *testing.T, s store.Store) {
		for name, change := range strangersCode {
			grant := pending(grantID + name)
			create(t, s, grant)
			grant = redeemed(t, s, redemption(grant.ID, at(5)))
			use := redemption(grant.ID, at(6))
			change(&use)
			err := s.RedeemCode(t.Context(), use)
			wantError(t, err, store.ErrNotFound)
			wantUntouched(t, s, grant)
		}
	}},
}

// strangersCode are the ways in which a code is not the presenter's own.
var strangersCode = map[string]func(*store.Redemption){
	"another client":      func(r *store.Redemption) { r.ClientID = otherThan },
	"AS57 another realm":  func(r *store.Redemption) { r.Realm = otherRealm },
	"another code":        func(r *store.Redemption) { r.CodeHash = otherHash },
	"no code":             func(r *store.Redemption) { r.CodeHash = "" },
	"an unknown grant id": func(r *store.Redemption) { r.GrantID = "unknown" },
}

func refuseCodeUnspent(t *testing.T, s store.Store) {
	changes := map[string]func(*store.Redemption){
		"at its last second":    func(r *store.Redemption) { r.Now = at(60) },
		"after its last second": func(r *store.Redemption) { r.Now = at(61) },
	}
	for name, change := range strangersCode {
		changes[name] = change
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			grant := create(t, s, pending(grantID+name))
			use := redemption(grant.ID, at(5))
			change(&use)
			err := s.RedeemCode(t.Context(), use)
			wantError(t, err, store.ErrNotFound)
			wantUntouched(t, s, grant)
			redeemed(t, s, redemption(grant.ID, at(59)))
		})
	}
}

// redeemed redeems a code and gives its grant as it is then.
func redeemed(t *testing.T, s store.Store, use store.Redemption) store.Grant {
	t.Helper()
	must(t, s.RedeemCode(t.Context(), use))
	return stored(t, s, use.GrantID)
}

package realm_test

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

func TestGrantStateSaysHowAGrantStands(t *testing.T) {
	const day = 24 * time.Hour
	waits := func(g *store.Grant) { g.State, g.Generation = store.GrantPending, 0 }
	for name, c := range map[string]struct {
		adjust func(*store.Grant)
		later  time.Duration
		want   realm.GrantState
	}{
		"its code waits":       {adjust: waits, want: realm.GrantPending},
		"its code has expired": {adjust: waits, later: time.Hour, want: realm.GrantExpired},
		"in use":               {want: realm.GrantActive},
		"not used for long":    {later: day, want: realm.GrantExpired},
		"never to end":         {adjust: func(g *store.Grant) { g.Expires, g.IdleExpires = time.Time{}, time.Time{} }, later: day, want: realm.GrantActive},
		"older than its client's lifetime": {
			adjust: func(g *store.Grant) { g.Expires, g.IdleExpires = time.Time{}, time.Time{} }, later: 30 * day, want: realm.GrantExpired,
		},
		"without refresh tokens": {adjust: func(g *store.Grant) { g.Generation = 0 }, later: day, want: realm.GrantActive},
		"revoked":                {adjust: func(g *store.Grant) { g.State = store.GrantRevoked }, later: day, want: realm.GrantRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := realmtest.New(t)
			f := newFamily(t, w, func(g *store.Grant) {
				if c.adjust != nil {
					c.adjust(g)
				}
			})
			w.Clock.Advance(c.later)
			if got := w.Realm.GrantState(&f.grant); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

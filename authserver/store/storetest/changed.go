package storetest

import (
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Changed sees that two open stores on one database hear of each other's
// changes, well before a reader who asks every second would.
func Changed(t *testing.T, here, there store.Store) {
	for name, change := range map[string]func() error{
		"a revoked token": func() error { return there.RevokeToken(t.Context(), realm, "jti", at(60), start) },
		"a revoked grant": func() error { return there.RevokeGrant(t.Context(), realm, grantID, start) },
		"a denial":        func() error { return there.PutDenial(t.Context(), denial("jti-1")) },
		"a denial taken back": func() error {
			d := denial("jti-2")
			must(t, there.PutDenial(t.Context(), d))
			return there.DeleteDenial(t.Context(), d.ID())
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a revoked grant" {
				create(t, there, active(grantID, 1))
			}
			quiet(here)
			must(t, change())
			select {
			case <-here.Changed():
			case <-time.After(900 * time.Millisecond):
				t.Fatal("the other store heard nothing")
			}
		})
	}
	t.Run("nothing else", func(t *testing.T) {
		quiet(here)
		create(t, there, pending("quiet"))
		must(t, there.Spend(t.Context(), "quiet", at(60)))
		select {
		case <-here.Changed():
			t.Fatal("a step that no node has to hear of was told")
		case <-time.After(200 * time.Millisecond):
		}
	})
}

// quiet waits until a store has told all that it had to.
func quiet(s store.Store) {
	for {
		select {
		case <-s.Changed():
		case <-time.After(200 * time.Millisecond):
			return
		}
	}
}

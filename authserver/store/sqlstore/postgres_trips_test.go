package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// A step that is one statement is one round trip to a database that may be far.
func TestPostgresRoundTrips(t *testing.T) {
	relay, dsn := startRelay(t, pgtest.Shared(t).Schema(t))
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn, MaxConns: 1})
	now := time.Unix(1_800_000_000, 0)
	family := grant("family")
	family.Generation = 1
	if err := s.CreateGrant(t.Context(), family, nil); err != nil {
		t.Fatal(err)
	}
	generation := uint32(0)
	steps := map[string]func(context.Context, int) error{
		"read": func(ctx context.Context, _ int) error {
			_, err := s.Grant(ctx, "/", "family")
			return err
		},
		"rotate": func(ctx context.Context, _ int) error {
			generation++
			_, err := s.RotateRefresh(ctx, store.Rotation{
				Realm: "/", GrantID: "family", ClientID: "web", Generation: generation, PurgeAt: family.PurgeAt, Now: now,
			})
			return err
		},
		"redeem": func(ctx context.Context, n int) error {
			code := grant("code" + string(rune('a'+n)))
			code.State, code.CodeHash, code.CodeExpires = store.GrantPending, "hash", now.Add(time.Minute)
			if err := s.CreateGrant(ctx, code, nil); err != nil {
				return err
			}
			relay.trips.Store(0)
			return s.RedeemCode(ctx, store.Redemption{
				Realm: "/", GrantID: code.ID, ClientID: "web", CodeHash: "hash", PurgeAt: code.PurgeAt, Now: now,
			})
		},
	}
	for name, step := range steps {
		// The first prepares the statement, and a slow machine may have the pool
		// look whether the connection still lives.
		fewest := int64(99)
		for n := range 6 {
			relay.trips.Store(0)
			if err := step(t.Context(), n); err != nil {
				t.Fatal(name, err)
			}
			fewest = min(fewest, relay.trips.Load())
		}
		if fewest != 1 {
			t.Errorf("%s takes %d round trips, want 1", name, fewest)
		}
	}
}

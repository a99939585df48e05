package sqlstore_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// Rotations touch no index, so that PostgreSQL keeps them within a page of the
// table (heap-only tuples): a table of many grants stays as it is under load.
func TestPostgresRotationsStayHOT(t *testing.T) {
	const families, rotations = 100, 10
	const idle = 7 * 24 * time.Hour
	config := sqlstore.PostgresConfig{DSN: pgtest.Database(t)}
	s := openPostgresAt(t, config)
	begin := time.Unix(1_900_000_000, 0)
	for n := range families {
		grant := grant(strconv.Itoa(n))
		grant.State, grant.Generation = store.GrantActive, 1
		grant.PurgeAt = begin.Add(idle + idle/10)
		if err := s.CreateGrant(t.Context(), grant, nil); err != nil {
			t.Fatal(err)
		}
	}
	for generation := range uint32(rotations) {
		now := begin.Add(time.Duration(generation) * 10 * time.Minute)
		for n := range families {
			grant := grant(strconv.Itoa(n))
			_, err := s.RotateRefresh(t.Context(), store.Rotation{
				Realm: grant.Realm, GrantID: grant.ID, ClientID: grant.ClientID, Generation: generation + 1,
				IdleExpires: now.Add(idle), PurgeAt: now.Add(idle + idle/10), Now: now,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	// What a connection has counted is told when it ends.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := openPostgresAt(t, config).Reader(t.Context(),
		"SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'grants'")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("updates, heap-only:", text)
	var updated, hot int
	if _, err := fmt.Sscan(text, &updated, &hot); err != nil || updated != families*rotations || hot < updated*95/100 {
		t.Errorf("of %d updates %d were heap-only (%v), want %d and 95 %%", updated, hot, err, families*rotations)
	}
}

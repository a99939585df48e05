package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// What a primary has acknowledged is on the standby that takes over, again and
// again.
func TestAStandbyTakesOver(t *testing.T) {
	primary := pgtest.New(t, pgtest.Options{NoSync: true})
	standby := primary.Standby(t)
	dsn := pgtest.Hosts("postgres", primary, standby)
	for round := range 2 {
		if err := primary.WaitForStandby(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(t.Context())
		primary.Kill()
		if err := standby.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, dsn, "SELECT count(*) FROM t"); n != round+1 {
			t.Errorf("%d of %d rows are there", n, round+1)
		}
		if err := primary.Follow(t.Context(), standby); err != nil {
			t.Fatal(err)
		}
		primary, standby = standby, primary
	}
}

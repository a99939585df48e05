package caddymodule

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// aheadStore is a store of a server whose clock is half a minute ahead of ours.
type aheadStore struct{ store.Store }

const storeAhead = 30 * time.Second

func (aheadStore) Clock(context.Context) (time.Time, error) { return time.Now().Add(storeAhead), nil }

// F10: a gateway judges tokens of realms by the clock that dates them. What it
// takes of others alone is judged by its own.
func TestF10_TokensOfRealmsAreJudgedByTheClockThatDatesThem(t *testing.T) {
	sql, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "oauth2.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close() })
	running := over(t, aheadStore{sql})
	realms := &BearerAuth{Realms: []string{"/"}}
	for name, c := range map[string]struct {
		handler *BearerAuth
		app     *App
		ahead   time.Duration
	}{
		"a realm":                          {realms, running, storeAhead},
		"a foreign issuer":                 {&BearerAuth{}, running, 0},
		"a realm whose store is not there": {realms, &App{backend: new(pooledBackend)}, 0},
		"no store":                         {realms, &App{}, 0},
	} {
		if ahead := time.Until(c.handler.clock(c.app)()); (ahead - c.ahead).Abs() > 10*time.Second {
			t.Errorf("%s: the clock is %v ahead, want %v", name, ahead, c.ahead)
		}
	}
}

package sqlstore_test

import (
	"context"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/storetest"
)

// openPostgres gives a store in an empty schema that lives as long as its test.
func openPostgres(t testing.TB) *sqlstore.Store {
	t.Helper()
	return openPostgresAt(t, sqlstore.PostgresConfig{DSN: pgtest.Shared(t).Schema(t)})
}

func openPostgresAt(t testing.TB, config sqlstore.PostgresConfig) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.OpenPostgres(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openDSN(dsn string) (store.Store, error) {
	return sqlstore.OpenPostgres(context.Background(), sqlstore.PostgresConfig{DSN: dsn})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openPostgres(t) })
}

func TestPostgresProcesses(t *testing.T) {
	storetest.Processes(t, pgtest.Database(t), openDSN)
}

func TestPostgresCrash(t *testing.T) {
	storetest.Crash(t, pgtest.New(t, pgtest.Options{NoSync: true}).Database(t), openDSN)
}

func TestF7_PostgresServerCrash(t *testing.T) {
	cluster := pgtest.New(t, pgtest.Options{})
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: cluster.Database(t)})
	storetest.Outage(t, s, cluster.Kill, func() {
		if err := cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkPostgres(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) store.Store { return openPostgres(b) })
}

func TestF19_F20_PostgresRacesOfTwoNodes(t *testing.T) {
	storetest.Races(t, pgtest.Database(t), openDSN, 2)
}

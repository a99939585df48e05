package sqlstore_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// hosts is a connection string of several servers, each by its own.
func hosts(t *testing.T, dsns ...string) string {
	t.Helper()
	names := make([]string, 0, len(dsns))
	var database string
	for _, dsn := range dsns {
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, config.Host)
		database = config.Database
	}
	return fmt.Sprintf("host=%s user=postgres dbname=%s", strings.Join(names, ","), database)
}

// A server that has become one that only reads is left for the one that writes,
// by the connections that were open too. No caller notices.
func TestF8_AFailoverIsFollowed(t *testing.T) {
	first, second := pgtest.Shared(t), pgtest.New(t, pgtest.Options{NoSync: true})
	for name, step := range map[string]func(*sqlstore.Store) error{
		"by a write":   func(s *sqlstore.Store) error { return create(t.Context(), s, "after") },
		"by a look":    func(s *sqlstore.Store) error { return s.Ping(t.Context()) },
		"by a refusal": func(s *sqlstore.Store) error { return create(t.Context(), s, "only in the second") },
	} {
		t.Run(name, func(t *testing.T) {
			dsn := first.Database(t)
			another := second.DSN(databaseOf(dsn))
			if err := second.Exec(t.Context(), "postgres", "CREATE DATABASE "+databaseOf(dsn)); err != nil {
				t.Fatal(err)
			}
			there := openPostgresAt(t, sqlstore.PostgresConfig{DSN: another})
			if err := create(t.Context(), there, "only in the second"); err != nil {
				t.Fatal(err)
			}
			s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: hosts(t, dsn, another)})
			if _, err := s.Grant(t.Context(), "/", "only in the second"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("the first server is not the one in use: %v", err)
			}
			err := first.Exec(t.Context(), "postgres", "ALTER DATABASE "+databaseOf(dsn)+" SET default_transaction_read_only = on")
			if err != nil {
				t.Fatal(err)
			}
			// Connections that are open learn it when they write.
			if _, err := s.Reader(t.Context(), "SELECT set_config('default_transaction_read_only', 'on', false)"); err != nil {
				t.Fatal(err)
			}
			if err := step(s); err != nil && !errors.Is(err, store.ErrExists) {
				t.Errorf("the first step after a failover: %v", err)
			}
			if _, err := s.Grant(t.Context(), "/", "only in the second"); err != nil {
				t.Errorf("the second server is not the one in use: %v", err)
			}
		})
	}
}

// Servers that are gone without a word leave time for the next.
func TestF8_HostsThatDoNotAnswerArePassedOver(t *testing.T) {
	database := pgtest.Database(t)
	var ports []string
	for _, silent := range []bool{true, true, false} {
		relay, dsn := startRelay(t, database)
		if silent {
			relay.delay.Store(int64(time.Minute))
		}
		config, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, strconv.Itoa(int(config.Port)))
	}
	dsn := "host=127.0.0.1,127.0.0.1,127.0.0.1 port=" + strings.Join(ports, ",") +
		" user=postgres sslmode=disable dbname=" + databaseOf(database)
	begun := time.Now()
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn})
	if err := create(t.Context(), s, "a"); err != nil || time.Since(begun) > longest {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

// A connection string with something wrong is refused before anything connects,
// and nothing of it is printed.
func TestPostgresConfigIsChecked(t *testing.T) {
	for name, config := range map[string]sqlstore.PostgresConfig{
		"no connection string": {DSN: "postgres://user:canary@host:port/database"},
		"no key and value":     {DSN: "canary"},
		"an unknown sslmode":   {DSN: "host=a password=canary sslmode=perhaps"},
		"a bound below zero":   {DSN: "host=a password=canary", MaxConns: -1},
	} {
		err := config.Check()
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dsn := range []string{"postgres://u:p@a:5432,b:5433/d?target_session_attrs=any", "host=/run/postgresql", ""} {
		if err := (sqlstore.PostgresConfig{DSN: dsn}).Check(); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

package caddymodule

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// The settings that cannot work are found without a database, and what is said of
// them shows no password.
func TestPostgresSettings(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://oauth2:hunter2@db1:5432,db2/tokens")
	for name, row := range map[string]struct {
		storage PostgresStorage
		want    string // "" for none
	}{
		"placeholder":         {PostgresStorage{DSN: "{env.DATABASE_URL}"}, ""},
		"words":               {PostgresStorage{DSN: "host=/run/postgresql user=oauth2 password=hunter2 dbname=tokens"}, ""},
		"bounds":              {PostgresStorage{DSN: "{env.DATABASE_URL}", MaxConnections: 1000, StatementTimeout: caddy.Duration(10 * time.Second), MaxWaiting: 1}, ""},
		"no dsn":              {PostgresStorage{}, "storage postgres {env.DATABASE_URL}"},
		"empty placeholder":   {PostgresStorage{DSN: "{env.NO_SUCH_VARIABLE}"}, "the placeholder {env.NO_SUCH_VARIABLE} is empty"},
		"unescaped slash":     {PostgresStorage{DSN: "postgres://oauth2:hunter2/x@db1/tokens"}, "percent-encoded"},
		"unescaped percent":   {PostgresStorage{DSN: "postgres://oauth2:hunter2%@db1/tokens"}, "percent-encoded"},
		"unescaped quote":     {PostgresStorage{DSN: "host=db1 password='hunter2"}, "percent-encoded"},
		"missing certificate": {PostgresStorage{DSN: "postgres://oauth2:hunter2@db1/tokens?sslmode=verify-full&sslrootcert=/no/such/file"}, "/no/such/file"},
		"connections":         {PostgresStorage{DSN: "{env.DATABASE_URL}", MaxConnections: 1001}, "max_connections is 1001; it is 1 to 1000"},
		"negative":            {PostgresStorage{DSN: "{env.DATABASE_URL}", MaxConnections: -1}, "max_connections is -1"},
		"timeout":             {PostgresStorage{DSN: "{env.DATABASE_URL}", StatementTimeout: caddy.Duration(time.Minute)}, "statement_timeout is 1m0s; it is 100ms to 10s"},
		"waiting":             {PostgresStorage{DSN: "{env.DATABASE_URL}", MaxWaiting: -1}, "max_waiting is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.storage.Provision(caddy.Context{})
			switch {
			case row.want == "" && err != nil:
				t.Error(err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("error %v\nwant one with %q", err, row.want)
			}
			if shown := row.storage.Resource(); strings.Contains(shown, "hunter2") || err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in %q or %v", shown, err)
			}
		})
	}
}

// What has changed is another resource; what has not is the same in each
// configuration of the process.
func TestPostgresResource(t *testing.T) {
	of := func(s PostgresStorage) string {
		t.Helper()
		if err := s.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		return s.Resource()
	}
	dsn := "postgres://oauth2:one@db1:5432,db2:5433/tokens"
	name := of(PostgresStorage{DSN: dsn})
	if shown, _, _ := strings.Cut(name, "#"); shown != "postgres:oauth2@db1:5432,db2:5433/tokens" {
		t.Errorf("it is called %s", shown)
	}
	if again := of(PostgresStorage{DSN: dsn}); again != name {
		t.Errorf("%s is %s the next time", name, again)
	}
	for what, other := range map[string]PostgresStorage{
		"password":    {DSN: strings.Replace(dsn, "one", "two", 1)},
		"host":        {DSN: strings.Replace(dsn, "db2", "db3", 1)},
		"parameter":   {DSN: dsn + "?sslmode=require"},
		"connections": {DSN: dsn, MaxConnections: 3},
		"timeout":     {DSN: dsn, StatementTimeout: caddy.Duration(time.Second)},
		"waiting":     {DSN: dsn, MaxWaiting: 3},
	} {
		if of(other) == name {
			t.Errorf("with another %s it is the same resource", what)
		}
	}
}

// `caddy validate` finds a database without a key, and contacts none.
func TestPostgresNeedsAKey(t *testing.T) {
	w := newWorld(t)
	t.Setenv("DATABASE_URL", "postgres://oauth2:hunter2@192.0.2.1/tokens")
	text := strings.Replace(string(w.config("a", "")), `"module":"sqlite","path":`+string(caddyconfig.JSON(w.database(), nil)), `"module":"postgres","dsn":"{env.DATABASE_URL}"`, 1)
	began := time.Now()
	w.mustFail([]byte(text), "storage postgres needs an encryption_key, the same on all nodes")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}

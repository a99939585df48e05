package faults

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
)

// postgres is a database of the cluster that the tests share. Only our node is
// killed here, so the cluster need not sync.
type postgres struct{ dsn, key string }

func newPostgres(t *testing.T) storage {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return postgres{pgtest.Database(t), base64.StdEncoding.EncodeToString(key)}
}

func (postgres) engine() string { return "PostgreSQL" }

func (postgres) line() string {
	return "storage postgres {env.FAULTS_DSN}\n\t\tencryption_key {env.FAULTS_KEY}"
}

func (p postgres) environment() []string {
	return []string{"FAULTS_DSN=" + p.dsn, "FAULTS_KEY=" + p.key}
}

// inspect checks the indexes as far as the server can: that is an extension's
// work.
func (p postgres) inspect(t *testing.T) map[string]row {
	t.Helper()
	db, err := sql.Open("pgx", p.dsn)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	_, err = db.Exec(`CREATE EXTENSION IF NOT EXISTS amcheck`)
	must(t, err)
	_, err = db.Exec(`SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid`)
	must(t, err)
	return grants(t, db)
}

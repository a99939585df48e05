package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// F34: a second process on the same database gets a clear error.
func TestF34_SecondProcessIsRefused(t *testing.T) {
	w := newWorld(t)
	lock, err := sqlstore.Lock(w.database())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.mustFail(w.config("a", ""), "is in use, probably by another process")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	backends.draining.Wait()
	w.load(w.config("a", ""))
}

func TestWrongKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	t.Setenv("KEY_A", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	t.Setenv("KEY_B", "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	w.load(w.config("a", "encryption_key {env.KEY_A}"))
	w.stop()
	w.mustFail(w.config("a", "encryption_key {env.KEY_B}"), "the encryption key is not the one that this database's private keys were wrapped with")
	backends.draining.Wait()
	w.mustFail(w.config("a", ""), "there is no encryption key at "+filepath.Join(w.dir, "oauth2.key"))
	backends.draining.Wait()
	w.load(w.config("a", "encryption_key {env.KEY_A}"))
}

// A changed setting of a live resource takes effect or warns.
func TestChangedKeyOfAnOpenStoreWarns(t *testing.T) {
	w := newWorld(t)
	t.Setenv("KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	w.load(w.config("a", ""))
	app := w.load(w.config("a", "encryption_key {env.KEY}"))
	tokenFor(t, app, "/oauth2", "a")
	w.stop()
	log, err := os.ReadFile(filepath.Join(w.dir, "log"))
	if err != nil || !strings.Contains(string(log), "encryption_key has changed") {
		t.Errorf("the log says nothing: %v\n%s", err, log)
	}
}

// The SQLite files are their owner's alone, and the key is not in the database.
func TestSQLiteFiles(t *testing.T) {
	w := newWorld(t)
	w.load(w.config("a", ""))
	for _, name := range []string{"oauth2.db", "oauth2.key", "oauth2.db.lock"} {
		info, err := os.Stat(filepath.Join(w.dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
}

func TestSQLiteDefaultPath(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/data")
	s := new(SQLiteStorage)
	if err := s.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	if s.Resource() != "sqlite:/data/caddy/oauth2/oauth2.db" || s.keyFile() != "/data/caddy/oauth2/oauth2.key" {
		t.Errorf("%s, key in %s", s.Resource(), s.keyFile())
	}
}

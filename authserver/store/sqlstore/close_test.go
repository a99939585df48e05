package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestACopyOfTheClosedFileIsAWholeBackup(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_900_000_000, 0)
	if err := s.CreateGrant(t.Context(), store.Grant{ID: "g", Realm: "/", ClientID: "c", PurgeAt: now.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Grant(t.Context(), "/", "g"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	restored, err := sqlstore.OpenSQLite(t.Context(), filepath.Join(dir, "b.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = restored.Close() }()
	if _, err := restored.Grant(t.Context(), "/", "g"); err != nil {
		t.Errorf("the grant is not in the copy: %v", err)
	}
}

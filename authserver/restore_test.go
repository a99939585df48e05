package authserver_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// A backup that was put in the place of the database is seen to at the start that
// finds it, and at no other.
func TestABackupIsSeenToByTheFirstStart(t *testing.T) {
	h := newHouse(t)
	original := h.clocked(t, 0)
	backup, err := original.backend.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(backup)
	if err := errors.Join(err, backup.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "oauth2.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	restored, err := sqlstore.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = restored.Close() })

	start := func(st store.Store) (said bool) {
		var log bytes.Buffer
		wrapper, err := keys.NewWrapper(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		_, err = authserver.OpenBackend(t.Context(), st, wrapper, h.Hasher, slog.New(slog.NewTextHandler(&log, nil)), h.Clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(log.String(), "restored from a copy")
	}
	spend := func(st store.Store, id string, expires time.Time) error { return st.Spend(t.Context(), id, expires) }
	if !start(restored) || start(restored) || start(h.Store) {
		t.Error("a restore is not told at the first start of the copy alone")
	}
	// A proof that may have been used after the backup counts as used.
	counts := h.Clock.Now().Add(authserver.ProofMemory)
	if err := spend(restored, "before", counts); !errors.Is(err, store.ErrExists) {
		t.Errorf("an old proof in the copy: %v", err)
	}
	if err := errors.Join(spend(restored, "after", counts.Add(time.Second)), spend(h.Store, "before", counts)); err != nil {
		t.Error(err)
	}
}

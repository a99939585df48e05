package sqlstore_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestSQLiteFilesAreTheirOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("Windows has no such modes")
		return
	}
	path := filepath.Join(t.TempDir(), "oauth2.db")
	for _, before := range []os.FileMode{0, 0o644} {
		if before != 0 {
			if err := os.Chmod(path, before); err != nil {
				t.Fatal(err)
			}
		}
		s := openAt(t, path)
		if err := create(t.Context(), s, before.String()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode().Perm(); mode != 0o600 {
				t.Errorf("%s has mode %v, want 0600", filepath.Base(name), mode)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSQLiteTakesAnyPath(t *testing.T) {
	for _, name := range []string{"with space.db", "q?mode=memory.db", "100%41.db", "a#b&c=d.db", "ümläut.db"} {
		if runtime.GOOS == "windows" && strings.Contains(name, "?") {
			continue
		}
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path)
		if err := create(t.Context(), s, "1"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSQLiteIsDurable(t *testing.T) {
	s := open(t)
	for pragma, want := range map[string]int64{
		"synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1, "foreign_keys": 0,
	} {
		err := s.Write(t.Context(), func(exec runner) error {
			if got, err := exec("PRAGMA " + pragma); err != nil || got != want {
				t.Errorf("%s is %d (%v), want %d", pragma, got, err, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if mode, err := s.Reader(t.Context(), "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("the journal mode is %q (%v), want wal", mode, err)
	}
}

func TestSQLiteReadersCannotWrite(t *testing.T) {
	s := open(t)
	if _, err := s.Reader(t.Context(), "INSERT INTO remembered (name, value) VALUES ('a', 'b') RETURNING value"); err == nil {
		t.Error("a connection that reads wrote")
	}
}

func TestSQLiteRefusesAnotherKindOfFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	text := strings.Repeat("not a database\n", 500)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlstore.OpenSQLite(context.Background(), path)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != text {
		t.Errorf("the file was changed (%v)", err)
	}
}

// Rows are found by an index however many there are.
func TestSQLiteStatementsUseIndexes(t *testing.T) {
	s := open(t)
	for name, text := range sqlstore.Lookups {
		plan, err := s.Plan(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, line := range plan {
			if strings.HasPrefix(line, "SCAN") || strings.Contains(line, "TEMP B-TREE") {
				t.Errorf("%s: %s", name, strings.Join(plan, "; "))
				break
			}
		}
	}
}

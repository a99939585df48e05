package sqlstore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

var backupTime = time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC)

// backup writes a backup of a store to a new file.
func backup(t *testing.T, s *sqlstore.Store) (path string) {
	t.Helper()
	b, err := s.Backup(t.Context(), backupTime)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(b)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != b.Size {
		t.Errorf("%d bytes, said to be %d", len(content), b.Size)
	}
	path = filepath.Join(t.TempDir(), "restored.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBackupIsWholeMarkedAndLeavesNothingBehind(t *testing.T) {
	origin := filepath.Join(t.TempDir(), "oauth2.db")
	s := openAt(t, origin)
	for n := range 300 {
		if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	// One that a killed process left.
	left := origin + ".backup-1"
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := backup(t, s)
	info, err := sqlstore.CheckBackup(t.Context(), path)
	if err != nil || !info.Made.Equal(backupTime) || info.Schema != sqlstore.SchemaVersion {
		t.Errorf("%+v, %v", info, err)
	}
	wantGrants(t, openAt(t, path), 300, func(int) bool { return true })
	entries, err := os.ReadDir(filepath.Dir(origin))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.Contains(entry.Name(), "backup") {
			t.Errorf("%s is left", entry.Name())
		}
	}
	// The mark is in the copy alone, and found once.
	if done, err := s.Restored(t.Context(), true, backupTime, backupTime); err != nil || done.Done {
		t.Errorf("the original is taken for a backup: %+v, %v", done, err)
	}
	copied := openAt(t, path)
	for _, want := range []bool{true, false} {
		done, err := copied.Restored(t.Context(), true, backupTime, backupTime)
		if err != nil || done.Done != want || want && !done.Made.Equal(backupTime) {
			t.Errorf("%+v, %v, want %v", done, err, want)
		}
	}
}

// Operators name a file from where they stand.
func TestBackupWithARelativeName(t *testing.T) {
	path := backup(t, openAt(t, filepath.Join(t.TempDir(), "oauth2.db")))
	t.Chdir(filepath.Dir(path))
	for _, name := range []string{"restored.db", "./restored.db", "../" + filepath.Base(filepath.Dir(path)) + "/restored.db"} {
		if _, err := sqlstore.CheckBackup(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBackupIsItsOwnersAlone(t *testing.T) {
	origin := filepath.Join(t.TempDir(), "oauth2.db")
	s := openAt(t, origin)
	b, err := s.Backup(t.Context(), backupTime)
	if err != nil {
		t.Fatal(err)
	}
	info, err := b.ReadCloser.(interface{ Stat() (os.FileInfo, error) }).Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	// A process that is stopped now leaves nothing behind.
	if names, err := filepath.Glob(origin + ".backup-*"); err != nil || runtime.GOOS != "windows" && len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := s.Backup(t.Context(), backupTime); !errors.Is(err, store.ErrBackupRuns) {
		t.Errorf("two at once: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	backup(t, s)
}

func TestBackupOfAMomentWhileOthersWrite(t *testing.T) {
	s := open(t)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan int)
	begun := make(chan struct{})
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
				t.Error(err)
				break
			}
			if n == 20 {
				close(begun)
			}
		}
		written <- n
	}()
	<-begun
	path := backup(t, s)
	stop()
	total := <-written
	if _, err := sqlstore.CheckBackup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	// What is in it was there at one moment: a beginning without a gap.
	copied := openAt(t, path)
	count := 0
	for n := range total {
		_, err := copied.Grant(t.Context(), "/", strconv.Itoa(n))
		if err == nil && n != count {
			t.Fatalf("grant %d is there and %d is not", n, count)
		}
		if err == nil {
			count++
		}
	}
	if count < 20 {
		t.Errorf("%d of %d grants", count, total)
	}
}

func TestBackupThatIsNoneIsRefused(t *testing.T) {
	whole, err := os.ReadFile(backup(t, open(t)))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte{}, whole...)
	for i := 4096; i < 3*4096; i++ {
		damaged[i] ^= 0x5a
	}
	for name, content := range map[string][]byte{
		"text": []byte(strings.Repeat("not a database\n", 500)), "half": whole[:len(whole)/2], "damaged": damaged, "empty": nil,
	} {
		path := filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := sqlstore.CheckBackup(t.Context(), path); err == nil {
			t.Errorf("%s passes: %+v", name, info)
		}
	}
}

// A restore that leaves the log of the old database would mix the two.
func TestALogOfAnotherDatabaseIsRefused(t *testing.T) {
	path := backup(t, open(t))
	if err := sqlstore.CheckLog(path); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("of another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlstore.CheckLog(path); err == nil || !strings.Contains(err.Error(), path+"-wal") {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path)
	if err := create(t.Context(), s, "1"); err != nil {
		t.Fatal(err)
	}
	// What a killed process leaves: a file that says it has a log, and the log.
	left := filepath.Join(t.TempDir(), "left.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(left+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sqlstore.CheckLog(left); err != nil {
		t.Error(err)
	}
}

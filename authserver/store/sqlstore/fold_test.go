package sqlstore_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// SQLite's own folding says nothing when a sync fails. Ours ends all writing.
func TestF5_FailedFoldEndsAllWriting(t *testing.T) {
	s := open(t)
	fault := errors.New("input/output error")
	if err := s.FailFolds(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	written := 0
	var err error
	for ; err == nil && written < 1000; written++ {
		err = create(t.Context(), s, strconv.Itoa(written))
	}
	if !errors.Is(err, fault) || !errors.Is(s.Ping(t.Context()), fault) {
		t.Fatalf("after %d writes: %v, want the fault of the fold", written, err)
	}
	wantGrants(t, s, written-1, func(int) bool { return true })
}

func TestTheLogIsFoldedAndStaysShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	s := openAt(t, path)
	for n := range 2000 {
		if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 16<<20 {
		t.Errorf("the log has %d bytes", info.Size())
	}
	if info, err = os.Stat(path); err != nil || info.Size() < 200<<10 {
		t.Errorf("the database file has %d bytes (%v): nothing was folded into it", info.Size(), err)
	}
}

// What a process that was killed left in the log is in the database file before
// anything new is written.
func TestF5_OpeningFoldsTheLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "oauth2.db")
	s := openAt(t, path)
	for n := range 20 {
		if err := create(t.Context(), s, strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(dir, "left.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, path+suffix, left+suffix)
	}
	if info, err := os.Stat(left + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("no log was left: %v", err)
	}
	again := openAt(t, left)
	if info, err := os.Stat(left + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("the log has %d bytes (%v), want none", info.Size(), err)
	}
	wantGrants(t, again, 20, func(int) bool { return true })
	if content, err := os.ReadFile(left); err != nil || !strings.Contains(string(content), "grants") {
		t.Errorf("the database file has nothing (%v)", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

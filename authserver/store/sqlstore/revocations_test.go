package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"
)

// F9: a node that starts reads a log of any length, in statements that each have
// the time they need.
func TestF9_ALongLogOfRevocationsIsReadInPages(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "oauth2.db"))
	const entries = 25_000
	err := s.Write(t.Context(), func(exec func(text string) (int64, error)) error {
		_, err := exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
			INSERT INTO revocations (position, realm, kind, item, not_before, expires) SELECT i, '/', 1, 'jti' || i, 0, 4000000000 FROM n RETURNING 1`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	read, position := 0, int64(0)
	for {
		page, next, err := s.Revocations(t.Context(), position, now)
		if err != nil || len(page) >= entries/2 || next != int64(read+len(page)) {
			t.Fatalf("after %d one statement reads %d entries, up to %d (%v)", position, len(page), next, err)
		}
		if next == position {
			break
		}
		read, position = read+len(page), next
	}
	if read != entries {
		t.Errorf("%d entries in all, want %d", read, entries)
	}
}

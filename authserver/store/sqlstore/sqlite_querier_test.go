package sqlstore_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestSQLiteGivesTextsAsTheyAre(t *testing.T) {
	s := open(t)
	for _, text := range []string{"", "a", "a\x00b", "\xff\xfe", "ü\U0001F511", strings.Repeat("long", 10_000)} {
		var got string
		if err := s.ReadRow(t.Context(), "SELECT ?", []any{text}, &got); err != nil || got != text {
			t.Errorf("%q comes back as %q (%v)", text, got, err)
		}
	}
	var kind store.DenialKind
	var state store.GrantState
	if err := s.ReadRow(t.Context(), "SELECT ?, ?", []any{store.DenyToken, store.GrantRevoked}, &kind, &state); err != nil || kind != store.DenyToken || state != store.GrantRevoked {
		t.Errorf("named types come back as %q and %d (%v)", kind, state, err)
	}
}

// SQLite would make something of everything; what does not fit is an error here.
func TestSQLiteRowsThatDoNotFitAreErrors(t *testing.T) {
	s := open(t)
	for name, test := range map[string]struct {
		text string
		args []any
		dest []any
		says string // "" where it fits
	}{
		"a number":                       {"SELECT -9223372036854775808", nil, []any{new(int64)}, ""},
		"the largest generation":         {"SELECT ?", []any{int64(math.MaxUint32)}, []any{new(uint32)}, ""},
		"NULL for a text":                {"SELECT NULL", nil, []any{new(string)}, "NULL"},
		"NULL for a number":              {"SELECT NULL", nil, []any{new(int64)}, "NULL"},
		"a text for a number":            {"SELECT '12x'", nil, []any{new(int64)}, "no whole number"},
		"a text for a generation":        {"SELECT '12'", nil, []any{new(uint32)}, "no whole number"},
		"a fraction for a number":        {"SELECT 1.9", nil, []any{new(int64)}, "no whole number"},
		"too large":                      {"SELECT 4294967296", nil, []any{new(uint32)}, "does not fit"},
		"negative":                       {"SELECT -1", nil, []any{new(uint32)}, "does not fit"},
		"a place of another kind":        {"SELECT 1", nil, []any{new(bool)}, "*bool"},
		"too few places":                 {"SELECT 1, 2", nil, []any{new(int64)}, "1 places"},
		"too many places":                {"SELECT 1", nil, []any{new(int64), new(int64)}, "2 places"},
		"too few arguments":              {"SELECT ?", nil, []any{new(string)}, "0 arguments"},
		"too many arguments":             {"SELECT ?", []any{"a", "b"}, []any{new(string)}, "2 arguments"},
		"bytes":                          {"SELECT ?", []any{[]byte("a")}, []any{new(string)}, "[]uint8"},
		"a truth value":                  {"SELECT ?", []any{true}, []any{new(string)}, "bool"},
		"nothing":                        {"SELECT ?", []any{nil}, []any{new(string)}, "<nil>"},
		"a column that is not there":     {`SELECT "no_such" FROM meta`, nil, []any{new(string)}, "no_such"},
		"a second statement":             {"SELECT 1; SELECT 2", nil, []any{new(int64)}, "trailing"},
		"no row":                         {"SELECT 1 WHERE 0", nil, []any{new(int64)}, "no rows"},
		"a connection that reads writes": {"DELETE FROM meta RETURNING value", nil, []any{new(int64)}, "readonly"},
	} {
		err := s.ReadRow(t.Context(), test.text, test.args, test.dest...)
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
	}
}

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

// Who leaves ends what is read for it, and nothing that others read.
func TestSQLiteReadersMayLeaveAtAnyTime(t *testing.T) {
	s := open(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for rows := range 20 {
				ctx, leave := context.WithCancel(t.Context())
				err := s.ReadAll(ctx, endless, func() error {
					if rows--; rows < 0 {
						leave()
					}
					return nil
				})
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want the end of the context", err)
				}
				leave()
				wantOne(t, s)
			}
		})
	}
	all.Wait()
	fault := errors.New("enough")
	if err := s.ReadAll(t.Context(), endless, func() error { return fault }); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.ReadAll(t.Context(), endless, func() error { panic("in a scan") })
	}()
	wantOne(t, s)
	// Nobody stands at a row: the log can be folded, and the file closed.
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func wantOne(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	var one int64
	if err := s.ReadRow(t.Context(), "SELECT 1", nil, &one); err != nil || one != 1 {
		t.Errorf("got %d, %v", one, err)
	}
}

// Reads that race with the end are answered or refused, and none outlives it.
func TestSQLiteReadsRaceWithTheEnd(t *testing.T) {
	for range 20 {
		s := open(t)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					_, err := s.Grant(context.Background(), "/", "none")
					if errors.Is(err, store.ErrNotFound) {
						continue
					}
					if err == nil || !strings.Contains(err.Error(), "closed") {
						t.Errorf("got %v, want that the store is closed", err)
					}
					return
				}
			})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}

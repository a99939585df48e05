package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"zombiezen.com/go/sqlite"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestFaultKind(t *testing.T) {
	server := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, row := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, sqlstore.FaultUnreachable},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, sqlstore.FaultUnreachable},
		{io.ErrUnexpectedEOF, sqlstore.FaultUnreachable},
		{server("57P03"), sqlstore.FaultUnreachable}, // cannot_connect_now
		{server("57P01"), sqlstore.FaultUnreachable}, // admin_shutdown
		{server("08006"), sqlstore.FaultUnreachable}, // connection_failure
		{server("28P01"), sqlstore.FaultLogin},       // invalid_password
		{server("28000"), sqlstore.FaultLogin},       // invalid_authorization_specification
		{server("3D000"), sqlstore.FaultLogin},       // invalid_catalog_name
		{context.DeadlineExceeded, sqlstore.FaultTimeout},
		{server("57014"), sqlstore.FaultTimeout},  // query_canceled
		{server("55P03"), sqlstore.FaultTimeout},  // lock_not_available
		{server("25006"), sqlstore.FaultReadOnly}, // read_only_sql_transaction
		{server("53100"), sqlstore.FaultFull},     // disk_full
		{server("53300"), sqlstore.FaultFull},     // too_many_connections
		{syscall.ENOSPC, sqlstore.FaultFull},
		{server("42P01"), sqlstore.FaultOther}, // undefined_table
		{errors.New("another key"), sqlstore.FaultOther},
		{sqlite.ResultBusy.ToError(), sqlstore.FaultTimeout},
		{sqlite.ResultFull.ToError(), sqlstore.FaultFull},
		{sqlite.ResultReadOnlyDBMoved.ToError(), sqlstore.FaultReadOnly},
		{sqlite.ResultIOErrFsync.ToError(), sqlstore.FaultUnreachable},
		{sqlite.ResultCantOpen.ToError(), sqlstore.FaultUnreachable},
		{sqlite.ResultCorrupt.ToError(), sqlstore.FaultOther},
	} {
		if got := sqlstore.FaultKind(fmt.Errorf("a step: %w", row.err)); got != row.want {
			t.Errorf("%v is %s, want %s", row.err, got, row.want)
		}
		if !slices.Contains(sqlstore.FaultKinds(), row.want) {
			t.Errorf("%s is no kind", row.want)
		}
	}
}

// Faults are told by kind; what the store answers is none.
func TestFaultsAreTold(t *testing.T) {
	s := open(t)
	var told []string
	s.OnFault(func(kind string) { told = append(told, kind) })
	if _, err := s.Grant(t.Context(), "/", "none"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remember(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, _ = s.Grant(gone, "/", "none")
	if len(told) > 0 {
		t.Errorf("told of %v", told)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = s.Grant(t.Context(), "/", "none")
	}
	_, _ = s.Remember(t.Context(), "a", "b")
	if len(told) != 3 {
		t.Errorf("told of %v", told)
	}
}

// The next write may succeed where the disk was full or the file busy, and proves
// nothing where the disk failed.
func TestWhatPassesByItself(t *testing.T) {
	for code, want := range map[sqlite.ResultCode]bool{
		sqlite.ResultFull: true, sqlite.ResultBusy: true, sqlite.ResultBusySnapshot: true, sqlite.ResultIOErrSHMSize: true,
		sqlite.ResultIOErrFsync: false, sqlite.ResultIOErrWrite: false, sqlite.ResultIOErrSHMMap: false, sqlite.ResultCorrupt: false,
	} {
		if got := sqlstore.Passing(fmt.Errorf("a step: %w", code.ToError())); got != want {
			t.Errorf("%v passes: %t", code, got)
		}
	}
	if sqlstore.Passing(errors.New("another")) {
		t.Error("an unknown error passes")
	}
}

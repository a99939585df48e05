package sqlstore

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"zombiezen.com/go/sqlite"
)

// Kinds of faults, for logs and metrics.
const (
	// FaultUnreachable is a database that does not answer, starts or stops.
	FaultUnreachable = "unreachable"
	// FaultLogin is one that does not let us in.
	FaultLogin = "login"
	// FaultTimeout is a statement that took too long, or waited too long.
	FaultTimeout = "timeout"
	// FaultBusy is more steps at once than the pool lets wait.
	FaultBusy = "busy"
	// FaultReadOnly is a standby, or a primary that was made one.
	FaultReadOnly = "read_only"
	// FaultFull is a database that has run out of disk, memory or connections.
	FaultFull = "full"
	// FaultOther is all others.
	FaultOther = "other"
)

// FaultKinds are all that FaultKind gives.
func FaultKinds() []string {
	return []string{FaultUnreachable, FaultLogin, FaultTimeout, FaultBusy, FaultReadOnly, FaultFull, FaultOther}
}

// FaultKind says of what kind an error of a Store is.
func FaultKind(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return faultOfState(state.SQLState())
	}
	var (
		network net.Error
		system  syscall.Errno
	)
	switch {
	case errors.Is(err, errTooMany):
		return FaultBusy
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return FaultTimeout
	case errors.Is(err, syscall.ENOSPC):
		return FaultFull
	case network != nil, errors.As(err, &system), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return FaultUnreachable
	}
	return faultOfCode(sqlite.ErrCode(err))
}

// faultOfCode reads a result code of SQLite.
func faultOfCode(code sqlite.ResultCode) string {
	switch code.ToPrimary() {
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return FaultTimeout
	case sqlite.ResultFull, sqlite.ResultNoMem:
		return FaultFull
	case sqlite.ResultReadOnly:
		return FaultReadOnly
	case sqlite.ResultIOErr, sqlite.ResultCantOpen:
		return FaultUnreachable
	}
	return FaultOther
}

// faultOfState reads a SQLSTATE code (PostgreSQL documentation, appendix A).
func faultOfState(code string) string {
	switch {
	case code == "57014", code == "55P03":
		return FaultTimeout // query_canceled, lock_not_available
	case code == "25006":
		return FaultReadOnly // read_only_sql_transaction
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"):
		return FaultUnreachable // connection exception, shutdown or start
	case strings.HasPrefix(code, "28"), code == "3D000":
		return FaultLogin // invalid authorization, no such database
	case strings.HasPrefix(code, "53"):
		return FaultFull // insufficient resources
	}
	return FaultOther
}

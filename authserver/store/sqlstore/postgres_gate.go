package sqlstore

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

var errTooMany = errors.New("too many wait for the database")

// gate bounds the steps that run on or wait for a connection, so that a database
// that is slow or gone does not pile them up. While it answers a burst may wait;
// while it does not, as many as there are connections find out when it does again.
type gate struct {
	mu     sync.Mutex
	inside int
	most   int // while the database answers
	few    int // while it does not
	sick   bool
	closed bool
}

func newGate(conns, waiting int) *gate {
	return &gate{most: conns + waiting, few: conns}
}

// enter lets a step in. leave is to be called when it is over.
func (g *gate) enter() (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return nil, errClosed
	case g.inside >= g.most, g.sick && g.inside >= g.few:
		return nil, errTooMany
	}
	g.inside++
	return g.leave, nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

// note learns from the end of a step whether the database answers.
func (g *gate) note(err error) {
	sick := !answered(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sick = sick
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// answered says whether an error is the database's answer to this one step, and
// no sign that it is gone, overloaded or locked.
func answered(err error) bool {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrTooManyCredentials) {
		return true
	}
	e := pgError(err)
	return e != nil && !slices.ContainsFunc([]string{"25006", "53", "55", "57", "58"}, func(class string) bool {
		return strings.HasPrefix(e.Code, class)
	})
}

// sqlState is one of PostgreSQL's error codes.
type sqlState string

const (
	readOnly             sqlState = "25006" // a standby, or a primary that was demoted
	serializationFailure sqlState = "40001"
	deadlockDetected     sqlState = "40P01"
	undefinedTable       sqlState = "42P01"
	adminShutdown        sqlState = "57P01"
	crashShutdown        sqlState = "57P02"
	stalePlan            sqlState = "0A000" // cached plan must not change result type
	lostStatement        sqlState = "26000" // a prepared statement that a pooler has dropped
)

// is says whether err is one of the server's errors of these kinds.
func is(err error, states ...sqlState) bool {
	e := pgError(err)
	return e != nil && slices.Contains(states, sqlState(e.Code))
}

// pgError is the server's error in err, nil when it comes from elsewhere.
func pgError(err error) *pgconn.PgError {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return nil
	}
	return e
}

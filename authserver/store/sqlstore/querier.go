package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// querier runs statements: inside a transaction or on a connection that reads.
// Their text is the same for every engine, with ? for each argument. It lives
// no longer than the one step that it was made for.
type querier interface {
	// exec runs a statement and says how many rows it changed.
	exec(text string, args ...any) (int64, error)
	// row runs a statement that gives one row; Scan of none is sql.ErrNoRows.
	row(text string, args ...any) scanner
	// sole is row for a change that is the whole of its step when it gives a row,
	// and changes nothing when it gives none. The first statement of a step may be
	// committed with it, in one round trip; the step must not fail after that.
	sole(text string, args ...any) scanner
	// each runs a statement and gives every row of it to scan.
	each(scan func(scanner) error, text string, args ...any) error
}

// scanner is a row to read. It is to be scanned once, before the next statement.
type scanner interface {
	Scan(dest ...any) error
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// sqlQuerier is the querier of database/sql.
type sqlQuerier struct {
	ctx   context.Context
	texts *statements
}

func (q sqlQuerier) exec(text string, args ...any) (int64, error) {
	stmt, err := q.texts.get(q.ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(q.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q sqlQuerier) row(text string, args ...any) scanner {
	stmt, err := q.texts.get(q.ctx, text)
	if err != nil {
		return failedRow{err}
	}
	return stmt.QueryRowContext(q.ctx, args...)
}

// sole is row: the step shares the commit of its batch.
func (q sqlQuerier) sole(text string, args ...any) scanner { return q.row(text, args...) }

func (q sqlQuerier) each(scan func(scanner) error, text string, args ...any) (err error) {
	stmt, err := q.texts.get(q.ctx, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(q.ctx, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// statement is an *sql.Stmt that stays prepared while its pool is open.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, args ...any) *sql.Row
}

// statements prepares each text once and keeps it while its pool is open.
type statements struct {
	prepare func(ctx context.Context, text string) (*sql.Stmt, error)

	mu     sync.Mutex
	byText map[string]statement
}

func newStatements(prepare func(ctx context.Context, text string) (*sql.Stmt, error)) *statements {
	return &statements{prepare: prepare, byText: make(map[string]statement)}
}

func (s *statements) get(ctx context.Context, text string) (statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.byText[text]; ok {
		return stmt, nil
	}
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	s.byText[text] = stmt
	return stmt, nil
}

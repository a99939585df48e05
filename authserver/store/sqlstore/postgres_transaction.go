package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/failpoint"
)

// errUnknownOutcome is a commit whose answer was lost: it may have happened.
// Callers treat it as any fault. Trying the same step again is safe: it finds
// either nothing done, or what the first attempt has left.
var errUnknownOutcome = errors.New("the answer to a commit was lost")

// transact runs step in a READ COMMITTED transaction.
func transact(ctx context.Context, conn *pgx.Conn, step func(querier) error) error {
	tx := &pgTransaction{ctx: ctx, conn: conn}
	if err := step(tx); err != nil {
		tx.rollback()
		return err
	}
	return tx.commit()
}

// pgTransaction is the querier of one transaction. It begins with the first
// statement, in the same round trip.
type pgTransaction struct {
	ctx   context.Context
	conn  *pgx.Conn
	begun bool
}

func (tx *pgTransaction) exec(text string, args ...any) (int64, error) {
	rows, done, err := tx.query(text, args)
	if err != nil {
		return 0, err
	}
	rows.Close()
	if err := errors.Join(rows.Err(), done()); err != nil {
		return 0, err
	}
	return rows.CommandTag().RowsAffected(), nil
}

func (tx *pgTransaction) row(text string, args ...any) scanner {
	return scanFunc(func(dest []any) error {
		rows, done, err := tx.query(text, args)
		if err != nil {
			return err
		}
		return errors.Join(scanOne(rows, dest), done())
	})
}

// sole is a transaction of its own where it comes first. Without a row nothing has
// begun.
func (tx *pgTransaction) sole(text string, args ...any) scanner {
	if tx.begun {
		return tx.row(text, args...)
	}
	return scanFunc(func(dest []any) error {
		failpoint.Pass(failpoint.BeforeCommit)
		rows, err := tx.conn.Query(tx.ctx, numbered(text), stored(args)...)
		if err == nil {
			err = scanOne(rows, dest)
		}
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return err
		case err != nil:
			return tx.outcome(err)
		}
		failpoint.Pass(failpoint.AfterCommit)
		return nil
	})
}

func (tx *pgTransaction) each(scan func(scanner) error, text string, args ...any) error {
	rows, done, err := tx.query(text, args)
	if err != nil {
		return err
	}
	return errors.Join(scanAll(rows, scan), done())
}

// query sends a statement. done is to be called when its rows are closed.
func (tx *pgTransaction) query(text string, args []any) (rows pgx.Rows, done func() error, err error) {
	text, args = numbered(text), stored(args)
	if tx.begun {
		rows, err = tx.conn.Query(tx.ctx, text, args...)
		return rows, func() error { return nil }, err
	}
	tx.begun = true
	var batch pgx.Batch
	batch.Queue("BEGIN")
	batch.Queue(text, args...)
	results := tx.conn.SendBatch(tx.ctx, &batch)
	if _, err := results.Exec(); err != nil {
		return nil, nil, errors.Join(err, results.Close())
	}
	rows, err = results.Query()
	if err != nil {
		return nil, nil, errors.Join(err, results.Close())
	}
	return rows, results.Close, nil
}

func (tx *pgTransaction) commit() error {
	if !tx.begun {
		return nil
	}
	failpoint.Pass(failpoint.BeforeCommit)
	tag, err := tx.conn.Exec(tx.ctx, "COMMIT")
	switch {
	case err != nil:
		return tx.outcome(err)
	case tag.String() != "COMMIT":
		return errors.New("the database rolled back a transaction that was to be committed")
	}
	failpoint.Pass(failpoint.AfterCommit)
	return nil
}

// outcome tells an answer that a commit failed from no answer. An error that ends
// the connection is no answer either: a pooler says so of a database that it has
// lost.
func (tx *pgTransaction) outcome(err error) error {
	if pgError(err) == nil || tx.conn.IsClosed() {
		return fmt.Errorf("%w: %w", errUnknownOutcome, err)
	}
	return err
}

// rollback takes the transaction back. A connection on which that fails is not
// used again, and the server takes it back when it is gone.
func (tx *pgTransaction) rollback() {
	if tx.begun && !tx.conn.IsClosed() {
		_, _ = tx.conn.Exec(tx.ctx, "ROLLBACK")
	}
}

// pgReader is the querier of what was committed: each statement takes a
// connection for itself.
type pgReader struct {
	ctx    context.Context
	engine *postgresEngine
}

func (r pgReader) exec(text string, args ...any) (changed int64, err error) {
	err = r.engine.attempt(r.ctx, func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, numbered(text), stored(args)...)
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

func (r pgReader) row(text string, args ...any) scanner {
	return scanFunc(func(dest []any) error {
		return r.engine.attempt(r.ctx, func(ctx context.Context, conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, numbered(text), stored(args)...)
			if err != nil {
				return err
			}
			return scanOne(rows, dest)
		})
	})
}

// sole is row: each statement is committed by itself.
func (r pgReader) sole(text string, args ...any) scanner { return r.row(text, args...) }

func (r pgReader) each(scan func(scanner) error, text string, args ...any) error {
	var begun bool
	return r.engine.attempt(r.ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if begun {
			// Rows that were given cannot be taken back.
			return errHalfRead
		}
		rows, err := conn.Query(ctx, numbered(text), stored(args)...)
		if err != nil {
			return err
		}
		return scanAll(rows, func(row scanner) error {
			begun = true
			return scan(row)
		})
	})
}

var errHalfRead = errors.New("the connection was lost while rows were read")

// scanOne reads the one row that there is to be.
func scanOne(rows pgx.Rows, dest []any) error {
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := (pgRow{rows}).Scan(dest...); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// scanAll gives every row to scan.
func scanAll(rows pgx.Rows, scan func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(pgRow{rows}); err != nil {
			return err
		}
	}
	return rows.Err()
}

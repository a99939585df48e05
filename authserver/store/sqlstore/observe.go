package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OnFault has tell called with the kind of each fault (FaultKinds): of steps that
// the database could not do, not of answers such as store.ErrNotFound. It is to
// be called before the first use of the store.
func (s *Store) OnFault(tell func(kind string)) { s.engine = observedEngine{s.engine, tell} }

// observedEngine tells of the faults of an engine.
type observedEngine struct {
	engine
	tell func(kind string)
}

func (o observedEngine) write(ctx context.Context, step func(querier) error) error {
	return o.note(o.engine.write(ctx, step))
}

func (o observedEngine) read(ctx context.Context) querier {
	return observedQuerier{o.engine.read(ctx), o.note}
}

func (o observedEngine) ping(ctx context.Context) error { return o.note(o.engine.ping(ctx)) }

// note passes an error on. A caller that has gone is no fault of the database.
func (o observedEngine) note(err error) error {
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.Is(err, context.Canceled),
		errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExists), errors.Is(err, store.ErrReplayed), errors.Is(err, store.ErrConflict):
	default:
		o.tell(FaultKind(err))
	}
	return err
}

// observedQuerier tells of the faults of statements outside of transactions.
type observedQuerier struct {
	querier
	note func(error) error
}

func (q observedQuerier) exec(text string, args ...any) (int64, error) {
	n, err := q.querier.exec(text, args...)
	return n, q.note(err)
}

func (q observedQuerier) row(text string, args ...any) scanner {
	return observedRow{q.querier.row(text, args...), q.note}
}

func (q observedQuerier) each(scan func(scanner) error, text string, args ...any) error {
	return q.note(q.querier.each(scan, text, args...))
}

type observedRow struct {
	scanner
	note func(error) error
}

func (r observedRow) Scan(dest ...any) error { return r.note(r.scanner.Scan(dest...)) }

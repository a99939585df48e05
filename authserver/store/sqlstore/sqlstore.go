package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Store is a store.Store over an SQL database. OpenSQLite and OpenPostgres make
// one.
type Store struct {
	engine engine
}

var _ store.Store = (*Store)(nil)

// engine is what differs between databases.
type engine interface {
	// write runs step inside a transaction and returns after the commit that
	// contains it is durable. A step that fails is taken back. When ctx ends
	// first the caller gets its error, and the step may still be committed. A
	// step may run again from its start when its first run had no effect, so it
	// keeps nothing of an earlier run.
	write(ctx context.Context, step func(querier) error) error
	// read gives access to all that was committed before.
	read(ctx context.Context) querier
	// changed tells of other nodes' changes, nil when there are no other nodes.
	changed() <-chan struct{}
	// clock is the statement for the time in microseconds by the database's own
	// clock, "" where it has none.
	clock() string
	// ping says whether both can work now.
	ping(ctx context.Context) error
	// close finishes the steps that were accepted, and then ends all use.
	close() error
}

// write runs one step of the interface in a transaction. ErrReplayed is the
// one refusal that has changed something, the family's state, so that its
// transaction is kept; every other error takes the step back.
func write[T any](ctx context.Context, s *Store, what string, step func(querier) (T, error)) (T, error) {
	// The caller may leave when ctx ends while the step still runs, so its
	// result is read only after engine.write has said that it is over.
	type outcome struct {
		value T
		err   error
	}
	out := new(outcome)
	err := s.engine.write(ctx, func(q querier) error {
		out.value, out.err = step(q)
		if errors.Is(out.err, store.ErrReplayed) {
			return nil
		}
		return out.err
	})
	if err != nil {
		var none T
		return none, verdict(what, err)
	}
	return out.value, out.err
}

// change is write for steps that give nothing back.
func change(ctx context.Context, s *Store, what string, step func(querier) error) error {
	_, err := write(ctx, s, what, func(q querier) (struct{}, error) { return struct{}{}, step(q) })
	return err
}

// verdict keeps the interface's own errors as they are and names the step in
// all others. A row that is not there is ErrNotFound.
func verdict(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, store.ErrNotFound):
		return store.ErrNotFound
	case errors.Is(err, store.ErrExists):
		return store.ErrExists
	case errors.Is(err, store.ErrConflict):
		return store.ErrConflict
	case errors.Is(err, store.ErrTooManyCredentials):
		return store.ErrTooManyCredentials
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Changed tells of what other nodes may have changed.
func (s *Store) Changed() <-chan struct{} { return s.engine.changed() }

// Ping says whether the store can answer now.
func (s *Store) Ping(ctx context.Context) error {
	return verdict("reach the database", s.engine.ping(ctx))
}

// Close finishes the steps that were accepted and ends all use of the store.
func (s *Store) Close() error { return verdict("close the database", s.engine.close()) }

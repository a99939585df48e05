package sqlstore

import (
	"context"
	"time"
)

// Clock is the time by the database server's clock, to the microsecond; zero for
// SQLite, which has none but ours.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	if s.engine.clock() == "" {
		return time.Time{}, nil
	}
	var micros int64
	if err := s.engine.read(ctx).row(s.engine.clock()).Scan(&micros); err != nil {
		return time.Time{}, verdict("ask for the time", err)
	}
	return time.UnixMicro(micros).UTC(), nil
}

// clock is the statement for the time; there is none.
func (e *sqliteEngine) clock() string { return "" }

// clock is the statement for the time, not that of the transaction's beginning.
func (e *postgresEngine) clock() string {
	return `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
}

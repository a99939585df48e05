package sqlstore

import (
	"context"
	"errors"
)

var errCut = errors.New("cut off")

// CutPostgresMigration runs the migration of a database and ends its connection
// after some of its statements. It says whether it came to its end before.
func CutPostgresMigration(ctx context.Context, config PostgresConfig, statements int) (finished bool, err error) {
	engine, err := openPostgres(ctx, config)
	if err != nil {
		return false, err
	}
	err = engine.migrating(ctx, func(q querier) error {
		return migrate(&cutting{q, statements, func() {
			var ended bool
			// The answer does not come any more.
			_ = q.row("SELECT pg_terminate_backend(pg_backend_pid())").Scan(&ended)
		}}, "postgres")
	})
	return cut(engine, err)
}

// CutSQLiteMigration does so with a file, whose writer fails.
func CutSQLiteMigration(ctx context.Context, path string, statements int) (finished bool, err error) {
	engine, err := openSQLite(path)
	if err != nil {
		return false, err
	}
	err = engine.write(ctx, func(q querier) error {
		return migrate(&cutting{q, statements, func() {}}, "sqlite")
	})
	return cut(engine, err)
}

func cut(engine engine, err error) (finished bool, _ error) {
	finished = err == nil
	if errors.Is(err, errCut) {
		err = nil
	}
	return finished, errors.Join(err, engine.close())
}

// cutting is a querier that fails after some statements.
type cutting struct {
	querier
	left int
	end  func()
}

func (c *cutting) exec(text string, args ...any) (int64, error) {
	if c.left == 0 {
		c.end()
		return 0, errCut
	}
	c.left--
	return c.querier.exec(text, args...)
}

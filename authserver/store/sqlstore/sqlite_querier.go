package sqlstore

import (
	"database/sql"
	"fmt"
	"reflect"

	"zombiezen.com/go/sqlite"
)

// sqliteQuerier runs statements on one connection, which keeps them prepared.
type sqliteQuerier struct{ conn *sqlite.Conn }

func (q sqliteQuerier) exec(text string, args ...any) (int64, error) {
	err := q.run(text, args, func(*sqlite.Stmt) (bool, error) { return true, nil })
	if err != nil {
		return 0, err
	}
	return int64(q.conn.Changes()), nil
}

func (q sqliteQuerier) row(text string, args ...any) scanner {
	return scanFunc(func(dest []any) error {
		found := false
		err := q.run(text, args, func(stmt *sqlite.Stmt) (bool, error) {
			found = true
			return false, sqliteRow{stmt}.Scan(dest...)
		})
		if err == nil && !found {
			return sql.ErrNoRows
		}
		return err
	})
}

// sole is row: the step shares the commit of its batch.
func (q sqliteQuerier) sole(text string, args ...any) scanner { return q.row(text, args...) }

func (q sqliteQuerier) each(scan func(scanner) error, text string, args ...any) error {
	return q.run(text, args, func(stmt *sqlite.Stmt) (bool, error) { return true, scan(sqliteRow{stmt}) })
}

// run gives the rows of a statement to use, until that wants no more. What changes
// rows has changed all of them with the first.
func (q sqliteQuerier) run(text string, args []any, use func(*sqlite.Stmt) (more bool, err error)) (err error) {
	stmt, err := q.conn.Prepare(text)
	if err != nil {
		return err
	}
	// A statement that stands at a row keeps the log from being folded.
	defer func() {
		if ended := stmt.Reset(); err == nil {
			err = ended
		}
	}()
	if given, want := len(args), stmt.BindParamCount(); given != want {
		return fmt.Errorf("%d arguments for a statement that has %d", given, want)
	}
	for i, arg := range args {
		if err := bind(stmt, i+1, arg); err != nil {
			return err
		}
	}
	for more := true; more; {
		found, err := stmt.Step()
		if err != nil || !found {
			return err
		}
		if more, err = use(stmt); err != nil {
			return err
		}
	}
	return nil
}

// bind gives a statement one argument: a text or a number, of whatever name.
func bind(stmt *sqlite.Stmt, place int, arg any) error {
	switch arg := arg.(type) {
	case string:
		stmt.BindText(place, arg)
		return nil
	case int64:
		stmt.BindInt64(place, arg)
		return nil
	}
	switch v := reflect.ValueOf(arg); {
	case v.Kind() == reflect.String:
		stmt.BindText(place, v.String())
	case v.CanInt():
		stmt.BindInt64(place, v.Int())
	default:
		return fmt.Errorf("argument %d is a %T, not a text or a number", place, arg)
	}
	return nil
}

// sqliteRow is the row at which a statement stands.
type sqliteRow struct{ stmt *sqlite.Stmt }

func (r sqliteRow) Scan(dest ...any) error {
	if given, want := len(dest), r.stmt.ColumnCount(); given != want {
		return fmt.Errorf("%d places for a row of %d columns", given, want)
	}
	for i, d := range dest {
		if err := r.column(i, d); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// column reads one column into a place for a text or a number, of whatever name. What
// a damaged file holds in a number's place is an error: SQLite would read it as 0.
func (r sqliteRow) column(i int, dest any) error {
	is := r.stmt.ColumnType(i)
	if is == sqlite.TypeNull {
		return fmt.Errorf("it is NULL, and a %T is wanted", dest)
	}
	switch dest := dest.(type) {
	case *string:
		*dest = r.stmt.ColumnText(i)
		return nil
	case *int64:
		if is == sqlite.TypeInteger {
			*dest = r.stmt.ColumnInt64(i)
			return nil
		}
	}
	v := reflect.ValueOf(dest).Elem()
	number := v.CanInt() || v.CanUint()
	switch {
	case v.Kind() == reflect.String:
		v.SetString(r.stmt.ColumnText(i))
		return nil
	case !number:
		return fmt.Errorf("it is for a %T, not for a text or a number", dest)
	case is != sqlite.TypeInteger:
		return fmt.Errorf("it is no whole number, and a %T is wanted", dest)
	}
	n := r.stmt.ColumnInt64(i)
	switch {
	case v.CanInt() && !v.OverflowInt(n):
		v.SetInt(n)
	case v.CanUint() && n >= 0 && !v.OverflowUint(uint64(n)):
		v.SetUint(uint64(n))
	default:
		return fmt.Errorf("%d does not fit a %T", n, dest)
	}
	return nil
}

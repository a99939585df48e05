package sqlstore

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

type scanFunc func(dest []any) error

func (f scanFunc) Scan(dest ...any) error { return f(dest) }

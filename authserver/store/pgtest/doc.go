// Package pgtest gives tests a PostgreSQL of their own: a private cluster in a
// temporary directory, reached over a unix socket, made from the binaries that
// are installed. It ends with the test process, however that ends.
//
// Most tests share one cluster a process and take a database each:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
//	func TestX(t *testing.T) { open(pgtest.Database(t)) }
//
// Tests that stop or kill the server start a cluster of their own with New.
//
// Where PostgreSQL is not installed tests are skipped, and fail with CI=true.
package pgtest

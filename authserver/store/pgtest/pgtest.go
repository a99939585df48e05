package pgtest

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// shared is the cluster of all tests of this process that need no own one.
var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Main is the TestMain of a package that uses Database: it runs the tests and
// then ends the shared cluster. It gives the status to exit with.
func Main(m *testing.M) int {
	defer Stop()
	return m.Run()
}

// Stop ends the shared cluster, if there is one. Without it the server ends with
// the process, and its directory stays.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil {
		shared.cluster.Remove()
		shared.cluster = nil
	}
}

// Shared gives the cluster that all tests of this process share, and starts it
// when it is asked for the first time. It does not sync to disk: tests of what
// survives a power cut make their own with New.
func Shared(tb testing.TB) *Cluster {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = Start(tb.Context(), Options{NoSync: true})
	}
	give(tb, shared.err)
	return shared.cluster
}

// Database makes an empty database on the shared cluster, for as long as its
// test runs, and gives its connection string.
func Database(tb testing.TB) (dsn string) {
	tb.Helper()
	return Shared(tb).Database(tb)
}

// give ends a test whose cluster could not be made: PostgreSQL may be missing
// where a developer works, but not where a change is judged.
func give(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && os.Getenv("CI") != "true":
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}

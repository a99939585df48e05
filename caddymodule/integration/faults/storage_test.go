package faults

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver
)

// storage is where a world keeps its state.
type storage interface {
	// engine is its name.
	engine() string
	// line is what the option oauth2 of the Caddyfile says of it.
	line() string
	// environment is what the process needs for that line.
	environment() []string
	// inspect sees that it is whole, while no process uses it, and gives the rows
	// of grants.
	inspect(t *testing.T) map[string]row
}

// engines make an empty store of each kind.
var engines = map[string]func(t *testing.T) storage{
	"SQLite":     func(t *testing.T) storage { return sqlite{path: filepath.Join(t.TempDir(), "oauth2.db")} },
	"PostgreSQL": newPostgres,
}

// row is what the database knows of a family.
type row struct{ state, generation int64 }

// sqlite is the embedded store. On a disk that only the node has, root is how we
// see it.
type sqlite struct{ path, root string }

func (sqlite) engine() string { return "SQLite" }

func (s sqlite) line() string { return "storage sqlite " + s.path }

func (sqlite) environment() []string { return nil }

// inspect looks at a copy: what was left is for the next process to mend.
func (s sqlite) inspect(t *testing.T) map[string]row {
	t.Helper()
	db := openCopy(t, s.root+s.path)
	defer func() { must(t, db.Close()) }()
	var verdict string
	must(t, db.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Fatalf("the database is damaged: %s", verdict)
	}
	return grants(t, db)
}

func openCopy(t *testing.T, path string) *sql.DB {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, path+suffix, copied+suffix)
	}
	db, err := sql.Open("sqlite", copied)
	must(t, err)
	return db
}

func grants(t *testing.T, db *sql.DB) map[string]row {
	t.Helper()
	rows, err := db.Query("SELECT id, state, generation FROM grants")
	must(t, err)
	defer func() { _ = rows.Close() }()
	found := map[string]row{}
	for rows.Next() {
		var id string
		var r row
		must(t, rows.Scan(&id, &r.state, &r.generation))
		found[id] = r
	}
	must(t, rows.Err())
	return found
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	must(t, err)
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, errors.Join(err, out.Close()))
}

// inspect compares the record of every client with the rows themselves: a refresh
// token works though its rotation was lost, for the family moves on.
func (w *world) inspect(t *testing.T) {
	t.Helper()
	rows := w.storage.inspect(t)
	for _, c := range w.clients {
		for _, f := range append(c.families, c.ended...) {
			if complaint := f.compare(rows); complaint != "" {
				w.ledger.complain(&w.ledger.lost, "in the database: %s", complaint)
			}
		}
	}
}

func (f *family) compare(rows map[string]row) string {
	id, generation := place(f.refresh)
	r, there := rows[id]
	const active, revoked = 1, 2
	switch {
	case !there:
		return "a family is not there"
	case f.ended && r.state != revoked:
		return fmt.Sprintf("a revoked family has state %d", r.state)
	case !f.ending && r.state != active:
		return fmt.Sprintf("a family has state %d", r.state)
	case r.generation == generation, r.generation == generation+1 && f.pending:
		return ""
	}
	return fmt.Sprintf("a family has generation %d, acknowledged is %d (pending: %t)", r.generation, generation, f.pending)
}

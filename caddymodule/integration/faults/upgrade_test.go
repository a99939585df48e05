package faults

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// F32: a process that is killed while it changes the schema of an older
// program's database leaves that database as it was, the next one changes it,
// and all that was acknowledged by the older program holds.
func TestF32_KilledInTheMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "oauth2.db")
	w := newWorld(t, sqlite{path: path}, 4)
	w.start(t)
	w.ready(t)
	w.killUnderLoad(t, "random", 0)
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			makeOlder(t, path, version)
			kills := 0
			for ; ; kills++ {
				w.arm(t, "in-migration", kills+1)
				w.start(t)
				if w.servesOrEnds(t) {
					break
				}
				w.inspect(t)
				if v := schemaVersion(t, path); v != version {
					t.Fatalf("a migration that was killed left version %d", v)
				}
			}
			if kills == 0 && version == 1 {
				t.Error("no migration was killed")
			}
			w.disarm(t)
			w.check()
			w.ledger.settle(t)
			w.node.kill()
			t.Logf("%d kills; %s", kills, w.ledger)
		})
	}
}

// makeOlder makes the database what a program of an older schema version would
// have written: that version's tables, with all rows that they can hold.
func makeOlder(t *testing.T, path string, version int) {
	t.Helper()
	older := path + ".older"
	db, err := sql.Open("sqlite", older)
	must(t, err)
	db.SetMaxOpenConns(1) // what is attached is attached to one connection
	exec := func(text string, args ...any) {
		t.Helper()
		_, err := db.Exec(text, args...)
		must(t, err)
	}
	exec("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)")
	for n := 1; n <= version; n++ {
		text, err := os.ReadFile(filepath.Join(repository, "authserver/store/sqlstore/schema", fmt.Sprintf("%d.sql", n)))
		must(t, err)
		exec(string(text))
	}
	exec("INSERT INTO meta VALUES ('schema', ?)", version)
	exec("ATTACH ? AS newer", path)
	for _, table := range names(t, db, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name != 'meta'") {
		columns := strings.Join(names(t, db, "SELECT name FROM pragma_table_info(?)", table), ", ")
		exec(fmt.Sprintf("INSERT INTO main.%[1]s (%[2]s) SELECT %[2]s FROM newer.%[1]s", table, columns))
	}
	exec(`UPDATE main.meta SET value = (SELECT n.value FROM newer.meta n WHERE n.name = main.meta.name) WHERE name != 'schema'`)
	exec("DETACH newer")
	must(t, db.Close())
	for _, suffix := range []string{"-wal", "-shm"} {
		must(t, os.RemoveAll(path+suffix))
	}
	must(t, os.Rename(older, path))
}

func names(t *testing.T, db *sql.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	must(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		all = append(all, name)
	}
	must(t, rows.Err())
	return all
}

// schemaVersion reads a copy, so that the next process finds what was left.
func schemaVersion(t *testing.T, path string) (version int) {
	t.Helper()
	db := openCopy(t, path)
	defer func() { must(t, db.Close()) }()
	must(t, db.QueryRow("SELECT value FROM meta WHERE name = 'schema'").Scan(&version))
	return version
}

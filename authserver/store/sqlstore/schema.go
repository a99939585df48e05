package sqlstore

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/failpoint"
)

// Version n of the schema is what schema/1.sql to schema/n.sql make, each with
// what an engine adds to it in a file of the same name in its own directory. A
// file that has been released is never changed; the next version is the next
// file, and it only adds, so that nodes of the version before go on working.
//
//go:embed schema/*.sql schema/postgres/*.sql
var schemaFiles embed.FS

const (
	// schemaVersion is the version that this program needs.
	schemaVersion = 4
	// oldestVersion is the oldest version whose programs can work with a database
	// of this one: the nodes that a rolling upgrade has not reached yet, or that
	// it is rolled back to.
	oldestVersion = 3
)

const (
	createMeta    = `CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)`
	selectVersion = `SELECT value FROM meta WHERE name = 'schema'`
	selectOldest  = `SELECT value FROM meta WHERE name = 'schema_oldest'`
	updateVersion = `INSERT INTO meta (name, value) VALUES ('schema', ?), ('schema_oldest', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// migrate brings the schema to schemaVersion, with what engine adds. It runs
// inside one transaction: it happens whole or not at all, and of two nodes that
// start together one finds it done.
func migrate(q querier, engine string) error {
	if _, err := q.exec(createMeta); err != nil {
		return err
	}
	var version int
	err := q.row(selectVersion).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if version > schemaVersion {
		return suits(q, version)
	}
	if version == schemaVersion {
		return nil
	}
	for next := version + 1; next <= schemaVersion; next++ {
		for _, name := range []string{
			fmt.Sprintf("schema/%d.sql", next),
			fmt.Sprintf("schema/%s/%d.sql", engine, next),
		} {
			if err := runSchemaFile(q, name); err != nil {
				return err
			}
		}
	}
	_, err = q.exec(updateVersion, int64(schemaVersion), int64(oldestVersion))
	return err
}

// suits says whether this program can work with the schema of a newer one.
func suits(q querier, version int) error {
	oldest := version
	if err := q.row(selectOldest).Scan(&oldest); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if oldest > schemaVersion {
		return fmt.Errorf("its schema has version %d, for programs that know version %d at least, and this one knows none above %d: "+
			"run the newer program that wrote it, or restore a backup from before", version, oldest, schemaVersion)
	}
	return nil
}

// runSchemaFile runs the statements of a file, if there is one, one by one: not
// every driver takes several at once.
func runSchemaFile(q querier, name string) error {
	file, err := schemaFiles.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for text := range strings.SplitSeq(string(file), ";\n") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if _, err := q.exec(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		failpoint.Pass(failpoint.InMigration)
	}
	return nil
}

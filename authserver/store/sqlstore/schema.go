package sqlstore

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
)

// Version n of the schema is what schema/1.sql to schema/n.sql make. A file
// that has been released is never changed; the next version is the next file.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// schemaVersion is the version that this program needs.
const schemaVersion = 8

const (
	createMeta    = `CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)`
	selectVersion = `SELECT value FROM meta WHERE name = 'schema'`
	updateVersion = `INSERT INTO meta (name, value) VALUES ('schema', ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// migrate brings the schema to schemaVersion. It runs inside one transaction:
// it happens whole or not at all, and of two nodes that start together one
// finds it done.
func migrate(q querier) error {
	if _, err := q.exec(createMeta); err != nil {
		return err
	}
	var version int
	err := q.row(selectVersion).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if version > schemaVersion {
		return fmt.Errorf("its schema has version %d, and this program knows none above %d: "+
			"run the newer program that wrote it, or restore a backup from before", version, schemaVersion)
	}
	if version == schemaVersion {
		return nil
	}
	for next := version + 1; next <= schemaVersion; next++ {
		if err := runSchemaFile(q, fmt.Sprintf("schema/%d.sql", next)); err != nil {
			return err
		}
	}
	_, err = q.exec(updateVersion, schemaVersion)
	return err
}

// runSchemaFile runs the statements of a file one by one: not every driver
// takes several at once.
func runSchemaFile(q querier, name string) error {
	file, err := schemaFiles.ReadFile(name)
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
	}
	return nil
}

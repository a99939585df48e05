// Package sqlstore keeps what the authorization server remembers in SQL: one
// text for SQLite and PostgreSQL.
//
// The files named after a thing (grants, refresh, sessions, …) hold its
// statements. Every decision that may fall once is one conditional statement
// whose row count decides, never a read followed by a write. What differs
// between engines (how to open, how a transaction runs) is the engine
// interface; sqlite*.go, writer.go, lock*.go and backup_sqlite.go are SQLite's,
// postgres*.go PostgreSQL's.
//
// Columns hold text, hex digests, JSON in TEXT, and BIGINT numbers: times are
// seconds since 1970, so no engine's own types of time or truth get in the way.
package sqlstore

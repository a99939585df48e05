package sqlstore_test

import (
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/pgtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

// fill gives the tables that grow as many rows as make walking them worse than
// looking rows up.
var fill = []string{
	`INSERT INTO grants SELECT '/', md5(n::text), 'web', 'authorization_code', 'staff', 'u' || n, 'staff:u' || n, 's', '[]', '[]',
		'', '', '', '', 1, '', '[]', 0, 1, '', 0, 0, 1, 'k', 0, 9000000000, 9000000000, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO spent SELECT md5(n::text), n FROM generate_series(1, 20000) n`,
	`INSERT INTO revocations SELECT n, '/', 1, md5(n::text), n FROM generate_series(1, 20000) n`,
	`INSERT INTO sessions SELECT '/', md5(n::text), 's', 1, 'staff', 'u', 'staff:u', 0, '', '[]', 0, 0, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO denials SELECT md5(n::text), n, 'jti', 'j', '', 0, n, 0, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO clients SELECT '/', md5(n::text), n, '{}', 0, 0, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO client_secrets SELECT '/', md5(n::text), 's', 'd', 0, 0, 0 FROM generate_series(1, 20000) n`,
	`INSERT INTO realms SELECT '/' || n, n, '{}', 0 FROM generate_series(1, 20000) n`,
	`INSERT INTO keys SELECT '/', md5(n::text), 'sign', 'ES256', 4, '', 0, '', 0, n, n FROM generate_series(1, 20000) n`,
	`INSERT INTO audit SELECT md5(n::text), 0, n, 'e', 's', 'a', '/', 'c', 'u' || n, '', '', '', '', '', '', '{}' FROM generate_series(1, 20000) n`,
	`INSERT INTO attempts SELECT '/', 1, md5(n::text), md5(n::text), 1, 0, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO accounts SELECT '/', 'corp', 'u' || n, 'u' || n, '', 0, '{}', 1, 0, 0, 0, 0, n FROM generate_series(1, 20000) n`,
	`INSERT INTO logouts SELECT md5(n::text), '/', 'web', 'staff:u', 's', 0, n, n FROM generate_series(1, 20000) n`,
	`ANALYZE`,
}

// Rows are found by an index however many there are.
func TestPostgresStatementsUseIndexes(t *testing.T) {
	dsn := pgtest.Database(t)
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: dsn})
	if err := pgtest.Shared(t).Exec(t.Context(), databaseOf(dsn), fill...); err != nil {
		t.Fatal(err)
	}
	for name, text := range sqlstore.Lookups {
		plan, err := s.PostgresPlan(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for n, line := range plan {
			// An index that is walked has no condition.
			walked := strings.Contains(line, "Index") && strings.Contains(line, "Scan") &&
				(n+1 == len(plan) || !strings.Contains(plan[n+1], "Index Cond"))
			if walked || strings.Contains(line, "Seq Scan") {
				t.Errorf("%s: %s", name, strings.Join(plan, "\n"))
				break
			}
		}
	}
}

// Of a new table PostgreSQL knows nothing. It takes an index that begins with the
// realm to be as good as the primary key, which does so too, keeps that plan, and
// walks all rows of the realm until it has statistics, a minute later.
func TestPostgresFindsRowsOfNewTablesByTheirKeys(t *testing.T) {
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: pgtest.Database(t)})
	for name, key := range map[string][]string{
		"selectGrant": {"realm", "id"}, "redeemCode": {"realm", "id"}, "advanceRefresh": {"realm", "id"}, "revokeGrant": {"realm", "id"},
		"selectSession": {"realm", "digest"}, "touchSession": {"realm", "digest"}, "deleteSession": {"realm", "digest"},
		"deleteSessionByID": {"realm", "id"}, "deleteSubjectSessions": {"realm", "subject"},
		"endClientCodes": {"realm", "client_id"},
	} {
		plan, err := s.PostgresPlan(t.Context(), sqlstore.Lookups[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text := strings.Join(plan, "\n")
		condition, _, _ := strings.Cut(text[strings.LastIndex(text, "Index Cond: ")+1:], "\n")
		for _, column := range key {
			if !strings.Contains(condition, "("+column+" = ") {
				t.Errorf("%s does not look for its %s by an index:\n%s", name, column, text)
			}
		}
	}
}

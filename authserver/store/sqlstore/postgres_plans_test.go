package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
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

// byIndex are the indexes by which statements find grants, sessions and accounts. The
// wrong one finds them too, and walks a realm for it, or all that a client was given.
var byIndex = map[string]string{
	"selectGrant": "grants_pkey", "redeemCode": "grants_pkey", "revokeReplayedCode": "grants_pkey", "selectRedeemed": "grants_pkey",
	"advanceRefresh": "grants_pkey", "revokeReused": "grants_pkey", "revokeGrant": "grants_pkey", "endClientCodes": "grants_client",
	"selectSession": "sessions_pkey", "touchSession": "sessions_pkey", "deleteSession": "sessions_pkey",
	"deleteSessionByID": "sessions_id", "deleteSubjectSessions": "sessions_subject", "selectSessions": "sessions_subject",
	"selectAccount": "accounts_pkey", "selectAccountVersion": "accounts_pkey", "selectSeenAccount": "accounts_pkey",
	"replaceAccount": "accounts_pkey", "setAccountPassword": "accounts_pkey", "deleteAccount": "accounts_pkey",
	"selectAccountByUsername": "accounts_username", "selectAccounts": "accounts_username", "selectAccountsBelow": "accounts_username",
	"insertSessionLogouts": "sessions_id", "insertSubjectLogouts": "sessions_subject",
}

func init() {
	for _, name := range []string{"grants", "grantsAfter", "ids", "idsAfter", "end"} {
		for kind, index := range map[store.RevocationKind]string{
			store.RevokedSubject: "grants_subject", store.RevokedClient: "grants_client",
			store.RevokedSession: "grants_session", store.RevokedConsent: "grants_subject",
		} {
			byIndex[fmt.Sprintf("%s of kind %d", name, kind)] = index
		}
	}
}

// PostgreSQL keeps the plans that it makes while a table is new, of which it has no
// statistics yet.
func TestPostgresFindsRowsOfNewTablesByTheRightIndex(t *testing.T) {
	s := openPostgresAt(t, sqlstore.PostgresConfig{DSN: pgtest.Database(t)})
	for name, index := range byIndex {
		plan, err := s.PostgresPlan(t.Context(), sqlstore.Lookups[name])
		if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, " using "+index+" on ") && !strings.Contains(text, " on "+index+" ") {
			t.Errorf("%s does not use %s: %v\n%s", name, index, err, text)
		}
	}
}

func TestSQLiteFindsRowsByTheRightIndex(t *testing.T) {
	s := open(t)
	for name, index := range byIndex {
		plan, err := s.Plan(t.Context(), sqlstore.Lookups[name])
		table, key := strings.CutSuffix(index, "_pkey")
		if key {
			index = "sqlite_autoindex_" + table + "_1"
		}
		if text := strings.Join(plan, "; "); err != nil || !strings.Contains(text, "INDEX "+index+" ") {
			t.Errorf("%s does not use %s: %v: %s", name, index, err, text)
		}
	}
}

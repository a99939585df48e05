package sqlstore

import (
	"context"
	"fmt"
	"strings"
)

// SchemaVersion is the version that this program needs.
const SchemaVersion = schemaVersion

// ErrTooMany is what callers get while too many wait.
var ErrTooMany = errTooMany

// Answered says whether an error is the database's answer to one step.
var Answered = answered

// Commits is how many transactions were committed.
func (s *Store) Commits() int64 { return s.writer().commits.Load() }

// Write runs step on the writer, inside a transaction. exec is for statements
// that give one number.
func (s *Store) Write(ctx context.Context, step func(exec func(text string) (int64, error)) error) error {
	return s.engine.write(ctx, func(q querier) error {
		return step(func(text string) (n int64, err error) {
			err = q.row(text).Scan(&n)
			return n, err
		})
	})
}

// FailCommits makes every commit fail from now on, its own included.
func (s *Store) FailCommits(ctx context.Context, fault error) error {
	return s.engine.write(ctx, func(querier) error {
		s.writer().commit = func() error { return fault }
		return nil
	})
}

// Plan is how the engine finds the rows of a statement.
func (s *Store) Plan(ctx context.Context, text string) (plan []string, err error) {
	err = s.engine.read(ctx).each(func(row scanner) error {
		var id, parent, unused int64
		var detail string
		err := row.Scan(&id, &parent, &unused, &detail)
		plan = append(plan, detail)
		return err
	}, "EXPLAIN QUERY PLAN "+strings.ReplaceAll(text, "?", "1"))
	return plan, err
}

// PostgresPlan is how PostgreSQL finds the rows of a statement whatever its
// arguments are.
func (s *Store) PostgresPlan(ctx context.Context, text string) (plan []string, err error) {
	err = s.engine.write(ctx, func(q querier) error {
		if _, err := q.exec("SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		if _, err := q.exec("PREPARE looked AS " + numbered(text)); err != nil {
			return err
		}
		arguments := strings.TrimSuffix(strings.Repeat("NULL, ", strings.Count(text, "?")), ", ")
		if arguments != "" {
			arguments = "(" + arguments + ")"
		}
		err := q.each(func(row scanner) error {
			var line string
			err := row.Scan(&line)
			plan = append(plan, line)
			return err
		}, "EXPLAIN EXECUTE looked"+arguments)
		if err == nil {
			_, err = q.exec("DEALLOCATE looked")
		}
		return err
	})
	return plan, err
}

// Lookups are the statements that must not search a whole table.
var Lookups = map[string]string{
	"selectGrant": selectGrant, "redeemCode": redeemCode, "revokeReplayedCode": revokeReplayedCode,
	"selectRedeemed": selectRedeemed, "advanceRefresh": advanceRefresh, "revokeReused": revokeReused,
	"revokeGrant": revokeGrant, "nextPosition": nextPosition, "selectRevocations": selectRevocations,
	"selectSession": selectSession, "touchSession": touchSession, "deleteSession": deleteSession,
	"selectActiveKey": selectActiveKey, "selectRemembered": selectRemembered,
	"purge grants": purges[0], "purge revocations": purges[1], "purge sessions": purges[2],
	"nextDenial": nextDenial, "removeDenial": removeDenial, "selectDenials": selectDenials, "purge denials": purges[3],
	"purgeSpent": purgeSpent, "selectLease": selectLease, "takeBackupMark": takeBackupMark,
	"purgeAudit": purgeAudit, "selectAudit": selectAudit + ` ORDER BY id DESC LIMIT ?`,
	"selectAudit of a subject": selectAudit + ` AND subject = ? ORDER BY id DESC LIMIT ?`,
	"deleteSubjectSessions":    deleteSubjectSessions, "deleteSessionByID": deleteSessionByID, "deleteConsent": deleteConsent,
	"selectSweep": selectSweep, "finishSweep": finishSweep, "selectSessions": selectSessions, "selectConsents": selectConsents,
	"selectRealmConsents": selectRealmConsents,
	"nextClient":          nextClient, "replaceClient": replaceClient, "removeClient": removeClient, "bumpClient": bumpClient,
	"endClientCodes": endClientCodes, "countSecrets": countSecrets,
	"deleteSecrets": deleteSecrets, "deleteExpiredSecrets": deleteExpiredSecrets, "touchSecret": touchSecret,
	"selectClient": selectClient, "selectClients": selectClients, "selectClientChanges": selectClientChanges,
	"insertSessionLogouts": insertSessionLogouts, "insertSubjectLogouts": insertSubjectLogouts,
	"selectLogoutDue": selectLogoutDue, "leaseLogouts": leaseLogouts, "postponeLogout": postponeLogout,
	"deleteLogout": deleteLogout, "purgeLogouts": purgeLogouts,
	"purge clients": purges[5], "nextRealm": nextRealm, "replaceSwitches": replaceSwitches,
	"selectSwitchChanges": selectSwitchChanges,
	"selectLogEnds":       selectLogEnds, "nextKeyPosition": nextKeyPosition, "selectKeyChanges": selectKeyChanges, "purgeKeys": purgeKeys,
	"selectAttempt": selectAttempt, "waitAfterAttempt": waitAfterAttempt, "returnAttempt": returnAttempt, "deleteReturned": deleteReturned,
	"deleteAttempt": deleteAttempt, "deleteAttemptsOf": deleteAttemptsOf, "purgeAttempts": purgeAttempts,
	"nextAccount": nextAccount, "replaceAccount": replaceAccount, "setAccountPassword": setAccountPassword, "deleteAccount": deleteAccount,
	"deleteAccountCredentials": deleteAccountCredentials, "deleteSubjectConsents": deleteSubjectConsents,
	"selectAccountVersion": selectAccountVersion, "selectAccount": selectAccount, "selectAccountByUsername": selectAccountByUsername,
	"selectAccounts": selectAccounts, "selectAccountsBelow": selectAccountsBelow,
	"selectSeenAccount": selectSeenAccount, "purgeAccounts": purgeAccounts,
	"demoteKey": demoteKey, "promoteKey": promoteKey, "retireKey": retireKey, "removeKey": removeKey,
	"selectCredentials": selectCredentials, "selectPasskey": selectPasskey,
	"useCredential": useCredential, "renameCredential": renameCredential, "removeCredential": removeCredential,
	"removeCredentials": removeCredentials, "removeLoneRecovery": removeLoneRecovery, "removeRecovery": removeRecovery,
	"useRecovery": useRecovery, "countRecovery": countRecovery,
}

func init() {
	for kind, sql := range reaches {
		for name, text := range map[string]string{
			"grants": sql.grants, "grantsAfter": sql.grantsAfter, "ids": sql.ids, "idsAfter": sql.idsAfter, "end": sql.end,
		} {
			Lookups[fmt.Sprintf("%s of kind %d", name, kind)] = text
		}
	}
}

// Reader runs a statement that gives one text on a connection that reads.
func (s *Store) Reader(ctx context.Context, text string) (value string, err error) {
	err = s.engine.read(ctx).row(text).Scan(&value)
	return value, err
}

func (s *Store) writer() *writer { return s.engine.(*sqliteEngine).writer }

// FailFolds makes every fold of the log fail from now on.
func (s *Store) FailFolds(ctx context.Context, fault error) error {
	return s.engine.write(ctx, func(querier) error {
		s.writer().fold = func() error { return fault }
		return nil
	})
}

// List and Listed write and read the stored form of a list.
var List, Listed = list, listed

// Passing says whether the write after a failed one may be tried.
var Passing = passing

// ReadRow reads the row of a statement.
func (s *Store) ReadRow(ctx context.Context, text string, args []any, dest ...any) error {
	return s.engine.read(ctx).row(text, args...).Scan(dest...)
}

// ReadAll has use called for each row of a statement.
func (s *Store) ReadAll(ctx context.Context, text string, use func() error) error {
	return s.engine.read(ctx).each(func(scanner) error { return use() }, text)
}

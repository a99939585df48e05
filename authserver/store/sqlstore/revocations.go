package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	revokeGrant = `UPDATE grants SET state = 2 WHERE realm = ? AND id = ? AND state <> 2 RETURNING purge_at`

	// Positions come from one counted row, which stays locked until the commit:
	// entries become visible in the order of their positions, on any engine.
	nextPosition = `UPDATE meta SET value = value + 1 WHERE name = 'revocations' RETURNING value`

	insertRevocation = `INSERT INTO revocations (position, realm, kind, item, expires)
		VALUES (?, ?, ?, ?, ?) ON CONFLICT (realm, kind, item) DO NOTHING`

	selectRevocations = `SELECT position, realm, kind, item, not_before, expires FROM revocations
		WHERE position > ? AND expires > ? ORDER BY position LIMIT ?`
)

// revocationPage is how many entries are read in one statement: a whole log may
// take longer than a statement has.
const revocationPage = 10_000

// RevokeGrant ends a grant and records that in the revocation log.
func (s *Store) RevokeGrant(ctx context.Context, realm, id string, now time.Time) error {
	return change(ctx, s, "revoke a grant", func(q querier) error {
		var purgeAt int64
		err := q.row(revokeGrant, realm, id).Scan(&purgeAt)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return logEnd(q, realm, id, purgeAt, now)
	})
}

// RevokeToken records that one access token is dead until it expires.
func (s *Store) RevokeToken(ctx context.Context, realm, tokenID string, expires, now time.Time) error {
	return change(ctx, s, "revoke a token", func(q querier) error {
		return logRevocation(q, realm, store.RevokedToken, tokenID, seconds(expires), now)
	})
}

// logEnd writes that a grant is over. The entry goes with the grant's row, or as
// soon as no access token of it can be alive.
func logEnd(q querier, realm, grantID string, purgeAt int64, now time.Time) error {
	// A minute more, for an access token that is being minted right now.
	last := seconds(now.Add(store.MaxAccessTokenLifetime + time.Minute))
	return logRevocation(q, realm, store.RevokedGrant, grantID, min(purgeAt, last), now)
}

// logRevocation writes an entry of the revocation log, unless all that it
// speaks of is over by now.
func logRevocation(q querier, realm string, kind store.RevocationKind, item string, expires int64, now time.Time) error {
	if expires <= seconds(now) {
		return nil
	}
	var position int64
	if err := q.row(nextPosition).Scan(&position); err != nil {
		return err
	}
	_, err := q.exec(insertRevocation, position, realm, int64(kind), item, expires)
	return err
}

// Revocations reads the revocation log after a position.
func (s *Store) Revocations(ctx context.Context, after int64, now time.Time) ([]store.Revocation, int64, error) {
	var entries []store.Revocation
	next := after
	err := s.engine.read(ctx).each(func(row scanner) error {
		var entry store.Revocation
		var item string
		var notBefore, expires int64
		if err := row.Scan(&next, &entry.Realm, &entry.Kind, &item, &notBefore, &expires); err != nil {
			return err
		}
		entry.NotBefore, entry.Expires = moment(notBefore), moment(expires)
		entry.Key, entry.ClientID = item, ""
		if entry.Kind == store.RevokedConsent {
			entry.Key, entry.ClientID = splitPair(item)
		}
		entries = append(entries, entry)
		return nil
	}, selectRevocations, after, seconds(now), int64(revocationPage))
	if err != nil {
		return nil, after, verdict("read the revocation log", err)
	}
	return entries, next, nil
}

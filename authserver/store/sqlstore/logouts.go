package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	// Pending grants have given nothing. The id is what a row speaks of, so that none
	// is there twice, however many grants there are; neither realms nor sessions have a
	// space in their names. CROSS keeps SQLite from beginning with the grants.
	insertLogouts = `INSERT INTO logouts (id, realm, client_id, subject, session_id, attempts, next_at, purge_at)
		SELECT g.realm || ' ' || g.session_id || ' ' || g.client_id, g.realm, g.client_id, g.subject, g.session_id,
			0, CAST(? AS BIGINT), CAST(? AS BIGINT)
		FROM sessions s CROSS JOIN grants g
		WHERE g.realm = s.realm AND g.session_id = s.id AND g.session_id <> '' AND g.state <> 0 AND s.realm = ? AND `

	insertSessionLogouts = insertLogouts + `s.id = ? AND s.id <> '' ON CONFLICT DO NOTHING`
	insertSubjectLogouts = insertLogouts + `s.subject = ? AND s.subject <> '' ON CONFLICT DO NOTHING`

	selectLogoutDue = `SELECT id FROM logouts WHERE next_at <= ? LIMIT 1`

	// The end is asked for twice, for a row that another node took since it was
	// chosen stays with that one.
	leaseLogouts = `UPDATE logouts SET next_at = ?, attempts = attempts + 1 WHERE id IN
		(SELECT id FROM logouts WHERE next_at <= ? ORDER BY next_at LIMIT ?) AND +next_at <= ?
		RETURNING id, realm, client_id, subject, session_id, attempts, purge_at`

	postponeLogout = `UPDATE logouts SET next_at = ?, attempts = ? WHERE id = ?`

	deleteLogout = `DELETE FROM logouts WHERE id = ?`

	purgeLogouts = `DELETE FROM logouts WHERE id IN
		(SELECT id FROM logouts WHERE purge_at <= ? ORDER BY purge_at LIMIT ?) AND +purge_at <= ?`
)

// noteLogouts writes down who is to be told that sessions of a reach end. They
// are still there.
func noteLogouts(q querier, r store.Reach, now time.Time) (err error) {
	at, purgeAt := seconds(now), seconds(now.Add(store.LogoutsKept))
	switch r.Kind() {
	case store.RevokedSession:
		_, err = q.exec(insertSessionLogouts, at, purgeAt, r.Realm, r.SessionID)
	case store.RevokedSubject:
		_, err = q.exec(insertSubjectLogouts, at, purgeAt, r.Realm, r.Subject)
	}
	return err
}

// LeaseLogouts takes those that are due. Looking first spares everybody a write
// each second.
func (s *Store) LeaseLogouts(ctx context.Context, now, until time.Time, limit int) ([]store.Logout, error) {
	var due string
	err := s.engine.read(ctx).row(selectLogoutDue, seconds(now)).Scan(&due)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, verdict("look for clients to tell", err)
	}
	return write(ctx, s, "take clients to tell", func(q querier) (leased []store.Logout, err error) {
		err = q.each(func(row scanner) error {
			var l store.Logout
			var purgeAt int64
			err := row.Scan(&l.ID, &l.Realm, &l.ClientID, &l.Subject, &l.SessionID, &l.Attempts, &purgeAt)
			l.Expires = moment(purgeAt)
			leased = append(leased, l)
			return err
		}, leaseLogouts, seconds(until), seconds(now), int64(limit), seconds(now))
		return leased, err
	})
}

// PostponeLogout makes one due again.
func (s *Store) PostponeLogout(ctx context.Context, l store.Logout, next time.Time) error {
	return change(ctx, s, "tell a client later", func(q querier) error {
		_, err := q.exec(postponeLogout, seconds(next), int64(l.Attempts), l.ID)
		return err
	})
}

// FinishLogout removes one.
func (s *Store) FinishLogout(ctx context.Context, l store.Logout) error {
	return change(ctx, s, "have told a client", func(q querier) error {
		_, err := q.exec(deleteLogout, l.ID)
		return err
	})
}

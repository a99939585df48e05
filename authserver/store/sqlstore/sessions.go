package sqlstore

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const sessionColumns = `realm, digest, id, kind, account_service, account_id, subject,
	auth_time, acr, amr, created, idle_expires, expires, source, device`

const (
	insertSession = `INSERT INTO sessions (` + sessionColumns + `, purge_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	selectSession = `SELECT ` + sessionColumns + ` FROM sessions
		WHERE realm = ? AND digest = ? AND idle_expires > ? AND expires > ?`

	touchSession = `UPDATE sessions
		SET idle_expires = ?, purge_at = CASE WHEN expires < ? THEN expires ELSE ? END
		WHERE realm = ? AND digest = ? AND idle_expires > ? AND expires > ?`

	deleteSession = `DELETE FROM sessions WHERE realm = ? AND digest = ?`
)

// CreateSession stores a new session and ends the one that it replaces.
func (s *Store) CreateSession(ctx context.Context, session store.Session, replaces string) error {
	amr, err := list(session.AMR)
	if err != nil {
		return verdict("create a session", err)
	}
	idle, expires := end(session.IdleExpires), end(session.Expires)
	return change(ctx, s, "create a session", func(q querier) error {
		if replaces != "" {
			if _, err := q.exec(deleteSession, session.Realm, replaces); err != nil {
				return err
			}
		}
		created, err := q.exec(insertSession,
			session.Realm, session.Digest, session.ID, int64(session.Kind),
			session.Account.Service, session.Account.ID, session.Subject,
			seconds(session.AuthTime), session.ACR, amr, seconds(session.Created),
			idle, expires, session.Source, session.Device, min(idle, expires))
		if err != nil {
			return err
		}
		if created == 0 {
			return store.ErrExists
		}
		return nil
	})
}

// Session reads a live session by the digest of its cookie.
func (s *Store) Session(ctx context.Context, realm, digest string, now time.Time) (store.Session, error) {
	at := seconds(now)
	session, err := scanSession(s.engine.read(ctx).row(selectSession, realm, digest, at, at))
	return session, verdict("read a session", err)
}

// TouchSession moves the idle expiry of a live session.
func (s *Store) TouchSession(ctx context.Context, realm, digest string, idleExpires, now time.Time) error {
	return change(ctx, s, "touch a session", func(q querier) error {
		idle, at := end(idleExpires), seconds(now)
		touched, err := q.exec(touchSession, idle, idle, idle, realm, digest, at, at)
		if err != nil {
			return err
		}
		if touched == 0 {
			return store.ErrNotFound
		}
		return nil
	})
}

// EndSession removes a session.
func (s *Store) EndSession(ctx context.Context, realm, digest string) error {
	return change(ctx, s, "end a session", func(q querier) error {
		_, err := q.exec(deleteSession, realm, digest)
		return err
	})
}

// scanSession reads a row of sessionColumns.
func scanSession(row scanner) (store.Session, error) {
	var (
		session                          store.Session
		amr                              string
		authTime, created, idle, expires int64
	)
	err := row.Scan(
		&session.Realm, &session.Digest, &session.ID, &session.Kind,
		&session.Account.Service, &session.Account.ID, &session.Subject,
		&authTime, &session.ACR, &amr, &created, &idle, &expires, &session.Source, &session.Device)
	if err != nil {
		return store.Session{}, err
	}
	if session.AMR, err = listed(amr); err != nil {
		return store.Session{}, err
	}
	session.AuthTime, session.Created = moment(authTime), moment(created)
	session.IdleExpires, session.Expires = ending(idle), ending(expires)
	return session, nil
}

package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	selectSessions = `SELECT ` + sessionColumns + ` FROM sessions
		WHERE realm = ? AND subject = ? AND subject <> '' AND id > ? AND idle_expires > ? AND expires > ? ORDER BY id LIMIT ?`

	selectConsents = `SELECT client_id, kind, item, added, place, updated FROM consents
		WHERE realm = ? AND subject = ?` + sinceRegistered + ``
)

// Grants lists the grants of a reach, newest first.
func (s *Store) Grants(ctx context.Context, r store.Reach, after string, limit int) ([]store.Grant, error) {
	sql, args, err := statementsOf(r)
	if err != nil {
		return nil, verdict("list grants", err)
	}
	text := sql.grants
	if after != "" {
		text, args = sql.grantsAfter, append(args, after)
	}
	var grants []store.Grant
	err = s.engine.read(ctx).each(func(row scanner) error {
		grant, err := scanGrant(row)
		grants = append(grants, grant)
		return err
	}, text, append(args, int64(limit))...)
	return grants, verdict("list grants", err)
}

// Sessions lists the live sessions of a subject.
func (s *Store) Sessions(ctx context.Context, realm, subject, after string, limit int, now time.Time) ([]store.Session, error) {
	var sessions []store.Session
	at := seconds(now)
	err := s.engine.read(ctx).each(func(row scanner) error {
		session, err := scanSession(row)
		sessions = append(sessions, session)
		return err
	}, selectSessions, realm, subject, after, at, at, int64(limit))
	return sessions, verdict("list sessions", err)
}

// consentItem is one scope or resource that a user has agreed to.
type consentItem struct {
	clientID, item              string
	kind, added, place, updated int64
}

// Consents lists what a user has agreed to, by client.
func (s *Store) Consents(ctx context.Context, realm, subject string) ([]store.Consent, error) {
	var items []consentItem
	err := s.engine.read(ctx).each(func(row scanner) error {
		var i consentItem
		err := row.Scan(&i.clientID, &i.kind, &i.item, &i.added, &i.place, &i.updated)
		items = append(items, i)
		return err
	}, selectConsents, realm, subject)
	if err != nil {
		return nil, verdict("list consents", err)
	}
	slices.SortFunc(items, func(a, b consentItem) int {
		return cmp.Or(strings.Compare(a.clientID, b.clientID), cmp.Compare(a.added, b.added),
			cmp.Compare(a.place, b.place), strings.Compare(a.item, b.item))
	})
	var consents []store.Consent
	for i := range items {
		if n := len(consents); n == 0 || consents[n-1].ClientID != items[i].clientID {
			consents = append(consents, store.Consent{Realm: realm, Subject: subject, ClientID: items[i].clientID})
		}
		addConsentItem(&consents[len(consents)-1], items[i].kind, items[i].item, items[i].updated)
	}
	return consents, nil
}

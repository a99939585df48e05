package sqlstore

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// A consent is one row a scope or resource agreed to: two consents given at
// once then merge by themselves, with nothing to read before.
const (
	mergeConsentItem = `INSERT INTO consents (realm, subject, client_id, kind, item, added, place, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (realm, subject, client_id, kind, item) DO UPDATE SET updated = excluded.updated`

	addConsent = `INSERT INTO consents (realm, subject, client_id, kind, item, added, place, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	selectConsent = `SELECT kind, item, updated FROM consents
		WHERE realm = ? AND subject = ? AND client_id = ?` + sinceRegistered + ` ORDER BY added, place`

	// What was agreed to with a client that was deleted is not agreed to with
	// another one that was registered under its id (CL12).
	sinceRegistered = ` AND consents.updated >= COALESCE(
		(SELECT c.created FROM clients c WHERE c.realm = consents.realm AND c.id = consents.client_id AND c.removed = 0), 0)`
)

// The kinds of what is agreed to.
const (
	consentScope    = 1
	consentResource = 2
)

// mergeConsent adds a consent to what is remembered already.
func mergeConsent(q querier, consent *store.Consent) error {
	if err := mergeConsentItems(q, consent, consentScope, consent.Scope); err != nil {
		return err
	}
	return mergeConsentItems(q, consent, consentResource, consent.Resources)
}

func mergeConsentItems(q querier, consent *store.Consent, kind int64, items []string) error {
	at := seconds(consent.Updated)
	for place, item := range items {
		_, err := q.exec(mergeConsentItem,
			consent.Realm, consent.Subject, consent.ClientID, kind, item, at, int64(place), at)
		if err != nil {
			return err
		}
	}
	return nil
}

// Consent reads what a user has agreed to for one client.
func (s *Store) Consent(ctx context.Context, realm, subject, clientID string) (store.Consent, error) {
	consent := store.Consent{Realm: realm, Subject: subject, ClientID: clientID}
	err := s.engine.read(ctx).each(func(row scanner) error {
		var kind, updated int64
		var item string
		if err := row.Scan(&kind, &item, &updated); err != nil {
			return err
		}
		addConsentItem(&consent, kind, item, updated)
		return nil
	}, selectConsent, realm, subject, clientID)
	if err == nil && len(consent.Scope)+len(consent.Resources) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Consent{}, verdict("read a consent", err)
	}
	return consent, nil
}

// addConsentItem adds a row to the consent that it is of.
func addConsentItem(consent *store.Consent, kind int64, item string, updated int64) {
	if kind == consentScope {
		consent.Scope = append(consent.Scope, item)
	} else {
		consent.Resources = append(consent.Resources, item)
	}
	if at := moment(updated); at.After(consent.Updated) {
		consent.Updated = at
	}
}

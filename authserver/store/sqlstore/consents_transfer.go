package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const selectRealmConsents = `SELECT subject, client_id, kind, item, added, place, updated FROM consents
	WHERE realm = ?` + sinceRegistered + ` LIMIT ?`

// RealmConsents lists all that the users of a realm have agreed to.
func (s *Store) RealmConsents(ctx context.Context, realm string, limit int) (consents []store.Consent, whole bool, err error) {
	type item struct {
		subject string
		consentItem
	}
	var items []item
	err = s.engine.read(ctx).each(func(row scanner) error {
		var i item
		err := row.Scan(&i.subject, &i.clientID, &i.kind, &i.item, &i.added, &i.place, &i.updated)
		items = append(items, i)
		return err
	}, selectRealmConsents, realm, int64(limit)+1)
	if err != nil || len(items) > limit {
		return nil, false, verdict("list the consents of a realm", err)
	}
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), strings.Compare(a.clientID, b.clientID), cmp.Compare(a.added, b.added),
			cmp.Compare(a.place, b.place), cmp.Compare(a.kind, b.kind), strings.Compare(a.item, b.item))
	})
	for i := range items {
		n := len(consents)
		if n == 0 || consents[n-1].Subject != items[i].subject || consents[n-1].ClientID != items[i].clientID {
			consents = append(consents, store.Consent{Realm: realm, Subject: items[i].subject, ClientID: items[i].clientID})
			n++
		}
		addConsentItem(&consents[n-1], items[i].kind, items[i].item, items[i].updated)
	}
	return consents, true, nil
}

// AddConsents adds what is not agreed to yet.
func (s *Store) AddConsents(ctx context.Context, consents []store.Consent) (added int, err error) {
	return write(ctx, s, "add consents", func(q querier) (added int, err error) {
		for i := range consents {
			items, err := addConsentItems(q, &consents[i])
			if err != nil {
				return 0, err
			}
			if items > 0 {
				added++
			}
		}
		return added, nil
	})
}

func addConsentItems(q querier, c *store.Consent) (added int64, err error) {
	at := seconds(c.Updated)
	for _, of := range []struct {
		kind  int64
		items []string
	}{{consentScope, c.Scope}, {consentResource, c.Resources}} {
		for place, item := range of.items {
			n, err := q.exec(addConsent, c.Realm, c.Subject, c.ClientID, of.kind, item, at, int64(place), at)
			if err != nil {
				return added, err
			}
			added += n
		}
	}
	return added, nil
}

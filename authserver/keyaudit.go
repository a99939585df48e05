package authserver

import (
	"context"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// toldKeys is the store for keys, whose steps it tells: each by the node that did
// it, whoever asked for it, since the store lets one do it.
type toldKeys struct {
	store.Store
	tell func(ctx context.Context, record audit.Record)
}

func keyRecord(event audit.Event, realm, id string) audit.Record {
	record := audit.Record{Event: event}.With(audit.KeyID, id)
	if strings.HasPrefix(realm, "/") {
		record.Realm = realm
	} else if realm != "" {
		record = record.With(audit.Kind, realm) // keys that are of no realm
	}
	return record
}

func (k toldKeys) made(ctx context.Context, key store.Key) {
	k.tell(ctx, keyRecord(audit.KeyCreated, key.Realm, key.ID).With(audit.Purpose, string(key.Purpose)).With(audit.Algorithm, key.Algorithm))
}

// CreateKey implements store.Store.
func (k toldKeys) CreateKey(ctx context.Context, key store.Key) (store.Key, error) {
	active, err := k.Store.CreateKey(ctx, key)
	if err == nil && active.ID == key.ID {
		k.made(ctx, key)
	}
	return active, err
}

// AddNextKey implements store.Store.
func (k toldKeys) AddNextKey(ctx context.Context, key store.Key) error {
	err := k.Store.AddNextKey(ctx, key)
	if err == nil {
		k.made(ctx, key)
	}
	return err
}

// PromoteKey implements store.Store.
func (k toldKeys) PromoteKey(ctx context.Context, realm, id string, since, now time.Time) error {
	err := k.Store.PromoteKey(ctx, realm, id, since, now)
	if err == nil {
		k.tell(ctx, keyRecord(audit.KeyPromoted, realm, id))
	}
	return err
}

// RetireKey implements store.Store.
func (k toldKeys) RetireKey(ctx context.Context, realm, id string, since, now time.Time) error {
	err := k.Store.RetireKey(ctx, realm, id, since, now)
	if err == nil {
		k.tell(ctx, keyRecord(audit.KeyRetired, realm, id))
	}
	return err
}

// RemoveKey implements store.Store.
func (k toldKeys) RemoveKey(ctx context.Context, realm, id string, successor *store.Key, now time.Time) error {
	err := k.Store.RemoveKey(ctx, realm, id, successor, now)
	if err == nil {
		k.tell(ctx, keyRecord(audit.KeyRemoved, realm, id))
	}
	return err
}

package realmtest

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Credentials may fail, as may all below.
func (s *Store) Credentials(ctx context.Context, realm string, account store.Account) ([]store.Credential, error) {
	if err := s.take("Credentials"); err != nil {
		return nil, err
	}
	return s.Store.Credentials(ctx, realm, account)
}

// Passkey may fail.
func (s *Store) Passkey(ctx context.Context, realm, id string) (store.Credential, error) {
	if err := s.take("Passkey"); err != nil {
		return store.Credential{}, err
	}
	return s.Store.Passkey(ctx, realm, id)
}

// AddCredential may fail.
func (s *Store) AddCredential(ctx context.Context, credential store.Credential) error {
	if err := s.take("AddCredential"); err != nil {
		return err
	}
	return s.Store.AddCredential(ctx, credential)
}

// UseCredential may fail.
func (s *Store) UseCredential(ctx context.Context, read store.Credential, data string, counter int64, now time.Time) error {
	if err := s.take("UseCredential"); err != nil {
		return err
	}
	return s.Store.UseCredential(ctx, read, data, counter, now)
}

// ReplaceRecovery may fail.
func (s *Store) ReplaceRecovery(ctx context.Context, realm string, account store.Account, ids []string, now time.Time) error {
	if err := s.take("ReplaceRecovery"); err != nil {
		return err
	}
	return s.Store.ReplaceRecovery(ctx, realm, account, ids, now)
}

// UseRecovery may fail.
func (s *Store) UseRecovery(ctx context.Context, realm string, account store.Account, ids []string) (left int, err error) {
	if err := s.take("UseRecovery"); err != nil {
		return 0, err
	}
	return s.Store.UseRecovery(ctx, realm, account, ids)
}

// Spend may fail.
func (s *Store) Spend(ctx context.Context, id string, expires time.Time) error {
	if err := s.take("Spend"); err != nil {
		return err
	}
	return s.Store.Spend(ctx, id, expires)
}

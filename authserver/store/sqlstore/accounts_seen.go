package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Names at another site are not unique and pass from one person to another, so the
// username of such a row is its id.
const (
	rememberAccount = `INSERT INTO accounts (realm, service, id, username, password, disabled, claims, version,
			created, updated, password_changed, seen, purge_at)
		VALUES (?, ?, ?, ?, '', 0, ?, 1, ?, ?, 0, ?, ?)
		ON CONFLICT (realm, service, id) DO UPDATE
		SET claims = excluded.claims, updated = excluded.updated, seen = excluded.seen, purge_at = excluded.purge_at
		WHERE accounts.disabled = 0`

	selectSeenAccount = `SELECT disabled, claims, seen, purge_at FROM accounts
		WHERE realm = ? AND service = ? AND id = ?`

	// Who is disabled stays so, however long ago that was.
	purgeAccounts = `DELETE FROM accounts WHERE (realm, service, id) IN
		(SELECT realm, service, id FROM accounts WHERE disabled = 0 AND purge_at <= ? ORDER BY purge_at LIMIT ?)
		AND disabled = 0 AND +purge_at <= ?`
)

// RememberAccount keeps what an account was like when it signed in.
func (s *Store) RememberAccount(ctx context.Context, seen store.SeenAccount) error {
	claims, err := json.Marshal(seen.Claims)
	if err != nil {
		return verdict("remember an account", err)
	}
	at := seconds(seen.Seen)
	return change(ctx, s, "remember an account", func(q querier) error {
		remembered, err := q.exec(rememberAccount, seen.Realm, seen.Account.Service, seen.Account.ID, seen.Account.ID,
			string(claims), at, at, at, end(seen.PurgeAt))
		if err == nil && remembered == 0 {
			err = store.ErrNotFound
		}
		return err
	})
}

// SeenAccount gives what RememberAccount kept.
func (s *Store) SeenAccount(ctx context.Context, realm string, account store.Account) (store.SeenAccount, error) {
	seen := store.SeenAccount{Realm: realm, Account: account}
	var claims string
	var disabled, at, purgeAt int64
	err := s.engine.read(ctx).row(selectSeenAccount, realm, account.Service, account.ID).Scan(&disabled, &claims, &at, &purgeAt)
	if err == nil && disabled != 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.SeenAccount{}, verdict("read an account", err)
	}
	decoder := json.NewDecoder(strings.NewReader(claims))
	decoder.UseNumber()
	if err := decoder.Decode(&seen.Claims); err != nil {
		return store.SeenAccount{}, fmt.Errorf("read an account: its claims are not JSON: %w", err)
	}
	seen.Seen, seen.PurgeAt = moment(at), ending(purgeAt)
	return seen, nil
}

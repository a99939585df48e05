package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const grantColumns = `realm, id, client_id, type, account_service, account_id, subject, session_id,
	scope, resources, redirect_uri, code_challenge, nonce, claims, redirect_uri_sent,
	acr, amr, auth_time, state, code_hash, code_expires,
	generation, refresh_key, rotated_at, idle_expires, expires, created, purge_at`

const (
	insertGrant = `INSERT INTO grants (` + grantColumns + `, redeemed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT DO NOTHING`

	selectGrant = `SELECT ` + grantColumns + ` FROM grants WHERE realm = ? AND id = ?`

	// The row count decides who redeems a code: state 0 becomes 1 once. In a
	// database that was restored it may have been 1 already.
	redeemCode = `UPDATE grants
		SET state = 1, redeemed = ?, generation = ?, refresh_key = ?, rotated_at = ?,
			idle_expires = ?, expires = ?,
			purge_at = CASE WHEN purge_at < ? THEN ? ELSE purge_at END
		WHERE realm = ? AND id = ? AND client_id = ? AND state = 0 AND code_hash = ? AND code_expires > ?
			AND created > COALESCE((SELECT value FROM meta WHERE name = 'restored'), -1)
		RETURNING state`

	// A code that its own client shows again ends the family. That it has
	// expired meanwhile makes the second use no better.
	revokeReplayedCode = `UPDATE grants SET state = 2
		WHERE realm = ? AND id = ? AND client_id = ? AND state = 1 AND code_hash = ? AND redeemed > 0
		RETURNING purge_at`

	// A grant that was redeemed and then revoked is a replay too; one that was
	// revoked before is not.
	selectRedeemed = `SELECT redeemed FROM grants
		WHERE realm = ? AND id = ? AND client_id = ? AND code_hash = ? AND redeemed > 0`
)

// CreateGrant stores a new grant and merges the consent in the same step.
func (s *Store) CreateGrant(ctx context.Context, grant store.Grant, consent *store.Consent) error {
	values, err := grantValues(&grant)
	if err != nil {
		return verdict("create a grant", err)
	}
	return change(ctx, s, "create a grant", func(q querier) error {
		created, err := q.exec(insertGrant, values...)
		if err != nil {
			return err
		}
		if created == 0 {
			return store.ErrExists
		}
		if consent == nil {
			return nil
		}
		return mergeConsent(q, consent)
	})
}

// Grant reads one grant, whatever its state.
func (s *Store) Grant(ctx context.Context, realm, id string) (store.Grant, error) {
	grant, err := scanGrant(s.engine.read(ctx).row(selectGrant, realm, id))
	return grant, verdict("read a grant", err)
}

// RedeemCode turns a code into its first tokens, once.
func (s *Store) RedeemCode(ctx context.Context, r store.Redemption) error {
	return change(ctx, s, "redeem a code", func(q querier) error {
		now, purge := seconds(r.Now), seconds(r.PurgeAt)
		var state int64
		err := q.sole(redeemCode,
			now, int64(r.Generation), r.RefreshKey, now, end(r.IdleExpires), end(r.Expires), purge, purge,
			r.Realm, r.GrantID, r.ClientID, r.CodeHash, now).Scan(&state)
		if errors.Is(err, sql.ErrNoRows) {
			return refuseCode(q, r)
		}
		return err
	})
}

// refuseCode says why a code cannot be redeemed, and ends the family when that
// is because it was redeemed before (RFC 6749 §4.1.2).
func refuseCode(q querier, r store.Redemption) error {
	var purgeAt int64
	err := q.row(revokeReplayedCode, r.Realm, r.GrantID, r.ClientID, r.CodeHash).Scan(&purgeAt)
	if err == nil {
		if err := logEnd(q, r.Realm, r.GrantID, purgeAt, r.Now); err != nil {
			return err
		}
		return store.ErrReplayed
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var redeemed int64
	if err := q.row(selectRedeemed, r.Realm, r.GrantID, r.ClientID, r.CodeHash).Scan(&redeemed); err != nil {
		return err
	}
	return store.ErrReplayed
}

// grantValues are a grant's columns in the order of grantColumns.
func grantValues(g *store.Grant) ([]any, error) {
	scope, err := list(g.Scope)
	if err != nil {
		return nil, err
	}
	resources, err := list(g.Resources)
	if err != nil {
		return nil, err
	}
	amr, err := list(g.AMR)
	if err != nil {
		return nil, err
	}
	return []any{
		g.Realm, g.ID, g.ClientID, g.Type, g.Account.Service, g.Account.ID, g.Subject, g.SessionID,
		scope, resources, g.RedirectURI, g.CodeChallenge, g.Nonce, g.Claims, number(g.RedirectURISent),
		g.ACR, amr, seconds(g.AuthTime), int64(g.State), g.CodeHash, seconds(g.CodeExpires),
		int64(g.Generation), g.RefreshKey, seconds(g.RotatedAt), end(g.IdleExpires), end(g.Expires),
		seconds(g.Created), seconds(g.PurgeAt),
	}, nil
}

// scanGrant reads a row of grantColumns.
func scanGrant(row scanner) (store.Grant, error) {
	var (
		g                                                                store.Grant
		scope, resources, amr                                            string
		sent, authTime, codeExpires, rotated, idle, expires, made, purge int64
	)
	err := row.Scan(
		&g.Realm, &g.ID, &g.ClientID, &g.Type, &g.Account.Service, &g.Account.ID, &g.Subject, &g.SessionID,
		&scope, &resources, &g.RedirectURI, &g.CodeChallenge, &g.Nonce, &g.Claims, &sent,
		&g.ACR, &amr, &authTime, &g.State, &g.CodeHash, &codeExpires,
		&g.Generation, &g.RefreshKey, &rotated, &idle, &expires, &made, &purge)
	if err != nil {
		return store.Grant{}, err
	}
	if g.Scope, err = listed(scope); err != nil {
		return store.Grant{}, err
	}
	if g.Resources, err = listed(resources); err != nil {
		return store.Grant{}, err
	}
	if g.AMR, err = listed(amr); err != nil {
		return store.Grant{}, err
	}
	g.RedirectURISent = sent != 0
	g.AuthTime, g.CodeExpires, g.RotatedAt = moment(authTime), moment(codeExpires), moment(rotated)
	g.IdleExpires, g.Expires = ending(idle), ending(expires)
	g.Created, g.PurgeAt = moment(made), moment(purge)
	return g, nil
}

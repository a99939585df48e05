package realm

import (
	"context"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// AccessFor mints the access token of a grant for a scope within it. The result
// is not to be shown before the grant's step is committed.
func (r *Realm) AccessFor(client *store.Client, grant *store.Grant, scope oauth.Scope, now time.Time) (oauth.Secret, token.Access, error) {
	session := grant.SessionID
	if grant.Outlives() {
		session = "" // what bears its name ends with it
	}
	return r.Tokens.MintAccess(token.Access{
		Subject:   grant.Subject,
		ClientID:  client.ID,
		GrantID:   grant.ID,
		SessionID: session,
		Scope:     scope,
		Audience:  grant.Resources,
		IssuedAt:  now,
		Expires:   now.Add(client.AccessTokenLifetime),
		AuthTime:  grant.AuthTime,
		ACR:       grant.ACR,
		AMR:       grant.AMR,
	}, client.AccessTokenFormat)
}

// IDFor mints the ID token of a grant. with may carry the access token and the
// code that it travels with. claimsInIDToken puts the claims of the scope into
// it, for answers that bring no access token to fetch them with (OpenID Connect
// Core §5.4).
func (r *Realm) IDFor(ctx context.Context, client *store.Client, grant *store.Grant, access, code oauth.Secret, claimsInIDToken bool, now time.Time) (oauth.Secret, error) {
	account, err := r.Account(ctx, grant.Account)
	if err != nil {
		return oauth.Secret{}, err
	}
	request, err := oauth.ParseClaimsRequest(grant.Claims)
	if err != nil {
		return oauth.Secret{}, err
	}
	var scope oauth.Scope
	if claimsInIDToken {
		scope = grant.Scope
	}
	return r.Tokens.MintID(token.IDToken{
		Subject:     grant.Subject,
		ClientID:    client.ID,
		Nonce:       grant.Nonce,
		AuthTime:    grant.AuthTime,
		ACR:         grant.ACR,
		AMR:         grant.AMR,
		SessionID:   grant.SessionID,
		IssuedAt:    now,
		Expires:     now.Add(client.IDTokenLifetime),
		AccessToken: access,
		Code:        code,
		Claims:      oauth.SelectClaims(account.Claims, scope, request.Restrict(client.Scopes).IDToken),
	}, client.IDTokenAlgorithm)
}

// RefreshTerms are the ends that a refresh token handed out now would have for
// a client; zero means never. last is when the last token of the family will be
// over. granted is when the family began.
func RefreshTerms(client *store.Client, granted, now time.Time) (idleExpires, expires, last time.Time) {
	policy := client.Refresh
	if policy.Lifetime > 0 {
		expires = granted.Add(policy.Lifetime)
	}
	if policy.Idle > 0 {
		idleExpires = now.Add(policy.Idle)
		if !expires.IsZero() && idleExpires.After(expires) {
			idleExpires = expires
		}
	}
	last = idleExpires
	if last.IsZero() {
		last = expires
	}
	if last.IsZero() {
		// A family that never ends is kept for a century.
		last = now.AddDate(100, 0, 0)
	}
	if access := now.Add(client.AccessTokenLifetime); access.After(last) {
		last = access
	}
	return idleExpires, expires, last
}

// PurgeAt is when the row of a family may go whose last token is over at last: a
// tenth of the span later, so that the next refreshes need not move it.
func PurgeAt(last, now time.Time) time.Time { return last.Add(last.Sub(now) / 10) }

package realm

import (
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// ClientToken mints a token of a client's own, for a scope and resources as a
// request writes them: sub is the client's id, which no user can bear (AS50). The
// client must be known to be allowed the grant client_credentials.
func (r *Realm) ClientToken(client *store.Client, scope string, resources []string, now time.Time) (oauth.Secret, token.Access, error) {
	granted, err := clientScope(scope, client.Scopes, client.DefaultScopes)
	if err != nil {
		return oauth.Secret{}, token.Access{}, err
	}
	audience, err := oauth.RequestedResources(resources, client.Resources, client.Audience)
	if err != nil {
		return oauth.Secret{}, token.Access{}, err
	}
	return r.Tokens.MintAccess(token.Access{
		Subject:  client.ID,
		ClientID: client.ID,
		Scope:    granted,
		Audience: audience,
		IssuedAt: now,
		Expires:  now.Add(client.AccessTokenLifetime),
	}, client.AccessTokenFormat)
}

// clientScope is RequestedScope without openid and offline_access, which speak
// of a user: they drop out of the defaults and are refused when asked for.
func clientScope(wire string, allowed, defaults oauth.Scope) (oauth.Scope, error) {
	ofUser := func(token string) bool {
		return token == oauth.ScopeOpenID || token == oauth.ScopeOfflineAccess
	}
	scope, err := oauth.RequestedScope(wire, allowed, slices.DeleteFunc(slices.Clone(defaults), ofUser))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(scope, ofUser) {
		return nil, oauth.InvalidScope("There is no user in client_credentials: leave out openid and offline_access.")
	}
	return scope, nil
}

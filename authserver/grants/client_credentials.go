package grants

import (
	"context"
	"slices"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §4.4

type clientCredentials struct{ realm *realm.Realm }

func (*clientCredentials) Type() string { return oauth.GrantClientCredentials }

func (*clientCredentials) Parameters() []string { return []string{"scope", "resource"} }

// Redeem gives a client a token of its own: sub is the client's id, which no
// user can bear (AS50). There is no family behind it, so nothing is stored and
// there is no refresh token (RFC 6749 §4.4.3).
func (g *clientCredentials) Redeem(_ context.Context, req *Request) (*Response, error) {
	client := req.Client
	if client.Public {
		return nil, oauth.UnauthorizedClient("A public client cannot use client_credentials: it has nothing to prove who it is.")
	}
	scope, err := clientScope(req.Form.Get("scope"), client.Scopes, client.DefaultScopes)
	if err != nil {
		return nil, err
	}
	resources, err := oauth.RequestedResources(req.Form.List("resource"), client.Resources, client.Audience)
	if err != nil {
		return nil, err
	}
	access, claims, err := g.realm.Tokens.MintAccess(token.Access{
		Subject:  client.ID,
		ClientID: client.ID,
		Scope:    scope,
		Audience: resources,
		IssuedAt: req.Now,
		Expires:  req.Now.Add(client.AccessTokenLifetime),
	}, client.AccessTokenFormat)
	if err != nil {
		return nil, err
	}
	return &Response{
		AccessToken: access, Expires: claims.Expires, Scope: scope,
		Record: audit.Record{
			Event: audit.TokenIssued, Actor: audit.ByClient, ClientID: client.ID, Subject: client.ID,
			GrantType: g.Type(), Scope: scope.String(),
		},
	}, nil
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

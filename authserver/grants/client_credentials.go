package grants

import (
	"context"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// RFC 6749 §4.4

type clientCredentials struct{ realm *realm.Realm }

func (*clientCredentials) Type() string { return oauth.GrantClientCredentials }

func (*clientCredentials) Parameters() []string { return []string{"scope", "resource"} }

// Redeem gives a client a token of its own. There is no family behind it, so
// nothing is stored and there is no refresh token (RFC 6749 §4.4.3).
func (g *clientCredentials) Redeem(_ context.Context, req *Request) (*Response, error) {
	if req.Client.Public {
		return nil, oauth.UnauthorizedClient("A public client cannot use client_credentials: it has nothing to prove who it is.")
	}
	access, claims, err := g.realm.ClientToken(req.Client, req.Form.Get("scope"), req.Form.List("resource"), req.Now)
	if err != nil {
		return nil, err
	}
	return &Response{
		AccessToken: access, Expires: claims.Expires, Scope: claims.Scope,
		Record: audit.Record{
			Event: audit.TokenIssued, Actor: audit.ByClient, ClientID: req.Client.ID, Subject: req.Client.ID,
			GrantType: g.Type(), Scope: claims.Scope.String(),
		},
	}, nil
}

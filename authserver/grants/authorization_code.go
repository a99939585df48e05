package grants

import (
	"context"
	"errors"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// RFC 6749 §4.1.3, RFC 7636 §4.6, OpenID Connect Core §3.1.3

type authorizationCode struct{ *families }

func (*authorizationCode) Type() string { return oauth.GrantAuthorizationCode }

func (*authorizationCode) Parameters() []string {
	return []string{"code", "redirect_uri", "code_verifier", "resource"}
}

// Redeem exchanges a code for the first tokens of its family. Everything that
// can be wrong with the request is found before the code is spent; only a wrong
// PKCE verifier costs the right client its code.
func (g *authorizationCode) Redeem(ctx context.Context, req *Request) (*Response, error) {
	code := req.Form.Secret("code")
	if code.Empty() {
		return nil, oauth.MissingParameter("code")
	}
	verifier := req.Form.Get("code_verifier")
	if err := oauth.CheckVerifierSyntax(verifier); err != nil {
		return nil, err
	}
	grantID, hash, err := g.realm.Tokens.OpenCode(code)
	if err != nil {
		return nil, oauth.InvalidGrant().WithCause(err)
	}
	grant, err := g.read(ctx, grantID)
	if err != nil {
		return nil, err
	}
	if err := checkCode(&grant, req.Client, hash); err != nil {
		return nil, err
	}
	// A second use ends the family, whatever else is wrong with it (AS6).
	if grant.State == store.GrantActive {
		ctx, cancel := committing(ctx)
		defer cancel()
		return nil, g.replayed(ctx, audit.CodeReplay, &grant, req.Now)
	}
	if err := checkRedirectURI(&grant, req.Client, req.Form.Get("redirect_uri")); err != nil {
		return nil, err
	}
	if !oauth.VerifyPKCE(grant.CodeChallenge, verifier) {
		return nil, g.burn(ctx, req, &grant)
	}
	resources, err := narrowedResources(req.Form.List("resource"), grant.Resources)
	if err != nil {
		return nil, err
	}
	if err := g.checkAccount(ctx, &grant); err != nil {
		return nil, err
	}
	return g.spend(ctx, req, grant, hash, resources)
}

// checkCode compares a token request with what its code is bound to, the client
// first: another client learns nothing and changes nothing (AS7). The hash is
// of a random text, so how long the comparison takes tells nothing.
func checkCode(grant *store.Grant, client *store.Client, hash string) error {
	switch {
	case grant.ClientID != client.ID:
		return oauth.InvalidGrant().WithCause(errors.New("the code was issued to another client"))
	case grant.CodeHash == "" || grant.CodeHash != hash:
		return oauth.InvalidGrant().WithCause(errors.New("the grant has another code"))
	}
	return nil
}

// checkRedirectURI: required when the authorization request had it, and
// identical (RFC 6749 §4.1.3). It must still be the client's: a code that was sent
// elsewhere is no longer good (CL11), wherever the client was changed.
func checkRedirectURI(grant *store.Grant, client *store.Client, redirectURI string) error {
	switch {
	case redirectURI != grant.RedirectURI && (redirectURI != "" || grant.RedirectURISent):
		return oauth.InvalidGrant().WithCause(errors.New("redirect_uri is not the one of the authorization request"))
	case !oauth.MatchRedirectURI(grant.RedirectURI, client.RedirectURIs):
		return oauth.InvalidGrant().WithCause(errors.New("the code was sent to a redirect_uri that is no longer the client's"))
	}
	return nil
}

// burn ends the family of a code whose verifier is wrong or, against a
// downgrade (RFC 9700 §4.8.2), not expected: whoever sends that does not hold
// the authorization request that the code came of.
func (g *authorizationCode) burn(ctx context.Context, req *Request, grant *store.Grant) error {
	if err := g.realm.Revocations.RevokeGrant(ctx, g.realm.Name, grant.ID, req.Now); err != nil {
		return err
	}
	if g.reported.add(grant.ID) {
		g.realm.Tell(ctx, told(audit.PKCEFailed, grant))
	}
	return oauth.InvalidGrant().WithCause(errors.New("code_verifier does not answer the code_challenge"))
}

// spend mints and then redeems the code, once.
func (g *authorizationCode) spend(ctx context.Context, req *Request, grant store.Grant, hash string, resources []string) (*Response, error) {
	g.begin(req.Client, &grant, req.Now)
	response, err := g.mint(ctx, req, grant, grant.Scope, resources)
	if err != nil {
		return nil, err
	}
	if grant.Generation > 0 {
		if response.RefreshToken, err = g.mintRefresh(&grant); err != nil {
			return nil, err
		}
	}
	ctx, cancel := committing(ctx)
	defer cancel()
	err = g.realm.Store.RedeemCode(ctx, store.Redemption{
		Realm: g.realm.Name, GrantID: grant.ID, ClientID: req.Client.ID, CodeHash: hash,
		Generation: grant.Generation, RefreshKey: grant.RefreshKey,
		IdleExpires: grant.IdleExpires, Expires: grant.Expires, PurgeAt: grant.PurgeAt,
		Now: req.Now,
	})
	switch {
	case errors.Is(err, store.ErrReplayed):
		return nil, g.replayed(ctx, audit.CodeReplay, &grant, req.Now)
	case errors.Is(err, store.ErrNotFound):
		return nil, oauth.InvalidGrant().WithCause(err)
	case err != nil:
		return nil, err
	}
	return response, nil
}

package grants

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §6, RFC 9700 §4.14.2, OpenID Connect Core §12

type refreshToken struct{ *families }

func (*refreshToken) Type() string { return oauth.GrantRefreshToken }

func (*refreshToken) Parameters() []string { return []string{"refresh_token", "scope", "resource"} }

// Redeem gives new tokens of a family. A forged refresh token fails by its MAC
// before anything is read; one that another client shows changes nothing.
func (g *refreshToken) Redeem(ctx context.Context, req *Request) (*Response, error) {
	raw := req.Form.Secret("refresh_token")
	if raw.Empty() {
		return nil, oauth.MissingParameter("refresh_token")
	}
	presented, err := g.realm.Tokens.OpenRefresh(raw)
	if err != nil {
		return nil, oauth.InvalidGrant().WithCause(err)
	}
	grant, err := g.read(ctx, presented.GrantID)
	if err != nil {
		return nil, err
	}
	if err := checkRefresh(&grant, req.Client, presented, req.Now); err != nil {
		return nil, err
	}
	scope, err := oauth.NarrowedScope(req.Form.Get("scope"), stillAllowed(grant.Scope, req.Client.Scopes))
	if err != nil {
		return nil, err
	}
	if len(scope) == 0 {
		return nil, oauth.InvalidScope("The client may not have any of the granted scopes any more.")
	}
	resources, err := narrowedResources(req.Form.List("resource"), stillObtainable(grant.Resources, req.Client))
	if err != nil {
		return nil, err
	}
	if len(resources) == 0 {
		return nil, oauth.InvalidTarget()
	}
	if err := g.checkAccount(ctx, &grant); err != nil {
		return nil, err
	}
	return g.spend(ctx, req, grant, presented, scope, resources)
}

// checkRefresh compares a refresh token with its family, the client first.
func checkRefresh(grant *store.Grant, client *store.Client, presented token.Refresh, now time.Time) error {
	switch {
	case grant.ClientID != client.ID:
		return oauth.InvalidGrant().WithCause(errors.New("the refresh token was issued to another client"))
	// The key is fixed for the life of a family.
	case grant.RefreshKey != presented.KeyID:
		return oauth.InvalidGrant().WithCause(errors.New("the family has another refresh key"))
	// The row has the lifetime of the day it was made; a shorter one holds too.
	case client.Refresh.Lifetime > 0 && !now.Before(grant.Created.Add(client.Refresh.Lifetime)):
		return oauth.InvalidGrant().WithCause(errors.New("the family is older than the lifetime of refresh tokens"))
	}
	return nil
}

// stillAllowed is what the client may still have of what was granted: a scope
// that its registration has lost is in no new token (AS33).
func stillAllowed(granted, allowed oauth.Scope) oauth.Scope {
	return slices.DeleteFunc(slices.Clone(granted), func(token string) bool { return !allowed.Has(token) })
}

// stillObtainable is the same for resources (AS32).
func stillObtainable(granted []string, client *store.Client) []string {
	return slices.DeleteFunc(slices.Clone(granted), func(resource string) bool {
		return resource != client.Audience && !slices.Contains(client.Resources, resource)
	})
}

// spend mints and then uses the refresh token, once. The family keeps its full
// scope and resources, whatever this access token was narrowed to.
func (g *refreshToken) spend(ctx context.Context, req *Request, grant store.Grant, presented token.Refresh, scope oauth.Scope, resources []string) (*Response, error) {
	// The nonce ties an ID token to one authorization request; this one answers
	// none (OpenID Connect Core §12.2).
	minted := grant
	minted.Nonce = ""
	response, err := g.mint(ctx, req, minted, scope, resources)
	if err != nil {
		return nil, err
	}
	idleExpires, _, last := realm.RefreshTerms(req.Client, grant.Created, req.Now)
	purgeAt := realm.PurgeAt(last, req.Now)
	if req.Client.Refresh.Rotate && !grant.PurgeAt.Before(last) {
		purgeAt = grant.PurgeAt // most rotations leave the index on it alone
	}
	rotation := store.Rotation{
		Realm: g.realm.Name, GrantID: grant.ID, ClientID: req.Client.ID,
		Generation: presented.Generation, Grace: req.Client.Refresh.Grace,
		IdleExpires: idleExpires, PurgeAt: purgeAt, Now: req.Now,
	}
	step := g.realm.Store.RotateRefresh
	if !req.Client.Refresh.Rotate {
		step = g.realm.Store.TouchRefresh
	}
	ctx, cancel := committing(ctx)
	defer cancel()
	generation, err := step(ctx, rotation)
	switch {
	case errors.Is(err, store.ErrReplayed):
		return nil, g.replayed(ctx, audit.RefreshReuse, &grant, req.Now)
	case errors.Is(err, store.ErrNotFound):
		return nil, oauth.InvalidGrant().WithCause(err)
	case err != nil:
		return nil, err
	}
	response.Record.Event = audit.TokenRefreshed
	if presented.Generation < grant.Generation {
		response.Record.Event = audit.RefreshGrace
	}
	if !req.Client.Refresh.Rotate {
		return response, nil
	}
	grant.Generation = generation
	response.RefreshToken, err = g.mintRefresh(&grant)
	return response, err
}

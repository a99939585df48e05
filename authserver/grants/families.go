package grants

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
)

// RFC 6749 §10.4 and §10.5, RFC 9700 §4.14

// families is what the grants of users share: reading a family, beginning one,
// minting for it, and ending it when one of its tokens is replayed.
type families struct {
	realm    *realm.Realm
	reported recent
}

// read finds the family that a code or refresh token names. One that is not
// there, or over, is the caller's invalid_grant.
func (f *families) read(ctx context.Context, id string) (store.Grant, error) {
	grant, err := f.realm.Store.Grant(ctx, f.realm.Name, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return grant, oauth.InvalidGrant().WithCause(err)
	case err != nil:
		return grant, err
	case f.realm.Over(&grant):
		return grant, oauth.InvalidGrant()
	}
	return grant, nil
}

// begin writes into a grant how long it is needed and, when the client gets
// refresh tokens, the terms of its first one.
func (f *families) begin(client *store.Client, grant *store.Grant, now time.Time) {
	// The authorization endpoint may want the row for longer.
	if wanted := grant.PurgeAt; client.LogoutURI != "" {
		defer func() {
			if wanted.After(grant.PurgeAt) {
				grant.PurgeAt = wanted
			}
		}()
	}
	if !client.Refresh.Issue || !f.realm.AllowsGrant(client, oauth.GrantRefreshToken) {
		// A replay of the code must be seen for as long as its access token lives.
		grant.PurgeAt = now.Add(client.AccessTokenLifetime + client.AccessTokenLifetime/10)
		return
	}
	grant.Generation = 1
	grant.RefreshKey = f.realm.Tokens.RefreshKeyID()
	grant.RotatedAt = now
	var last time.Time
	grant.IdleExpires, grant.Expires, last = realm.RefreshTerms(client, grant.Created, now)
	grant.PurgeAt = realm.PurgeAt(last, now)
}

// mint makes the access token of a family for a scope and resources within it,
// and the ID token when openid is among them. Nothing of it may be shown before
// the family's step is committed; minted before the step, a fault here spends
// no code and no refresh token.
func (f *families) mint(ctx context.Context, req *Request, grant store.Grant, scope oauth.Scope, resources []string) (*Response, error) {
	grant.Resources = resources
	access, claims, err := f.realm.AccessFor(req.Client, &grant, scope, req.Now)
	if err != nil {
		return nil, err
	}
	response := &Response{AccessToken: access, Expires: claims.Expires, Scope: scope, Record: told(audit.TokenIssued, &grant)}
	response.Record.Scope = scope.String()
	if scope.Has(oauth.ScopeOpenID) {
		response.IDToken, err = f.realm.IDFor(ctx, req.Client, &grant, access, oauth.Secret{}, false, req.Now)
	}
	return response, accountError(err)
}

// told is the record of what a client did with a family.
func told(event audit.Event, grant *store.Grant) audit.Record {
	return audit.Record{
		Event: event, Actor: audit.ByClient, ClientID: grant.ClientID, Subject: grant.Subject,
		GrantID: grant.ID, SessionID: grant.SessionID, GrantType: grant.Type,
	}
}

// mintRefresh makes the refresh token of a family's current generation.
func (f *families) mintRefresh(grant *store.Grant) (oauth.Secret, error) {
	return f.realm.Tokens.MintRefresh(token.Refresh{
		KeyID: grant.RefreshKey, GrantID: grant.ID, Generation: grant.Generation,
	})
}

// checkAccount sees that the person behind a family is still there and still
// bears its subject (AS42): an account that has come to share its name with
// another account or with a client gets no more tokens.
func (f *families) checkAccount(ctx context.Context, grant *store.Grant) error {
	if subject, ok := f.realm.Subject(grant.Account); !ok || subject != grant.Subject {
		return oauth.InvalidGrant().WithCause(errors.New("the account does not bear the subject of the grant any more"))
	}
	_, err := f.realm.Account(ctx, grant.Account)
	return accountError(err)
}

// accountError tells an account that is gone from a service that cannot say.
func accountError(err error) error {
	if errors.Is(err, login.ErrNoAccount) {
		return oauth.InvalidGrant().WithCause(err)
	}
	return err
}

// commitTimeout bounds a step that nobody may wait for any more.
const commitTimeout = 5 * time.Second

// committing is the context of a step that spends a code or refresh token, and
// of what follows when it was spent before: a caller that hangs up must not
// leave a theft half noticed.
func committing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
}

// replayed answers for a code or refresh token that its own client used again
// after it was spent. The store ends the family when it sees that; this process
// must know before anyone is answered, and the operator is told once.
func (f *families) replayed(ctx context.Context, event audit.Event, grant *store.Grant, now time.Time) error {
	if f.reported.add(grant.ID) {
		f.realm.Tell(ctx, told(event, grant))
	}
	if err := f.realm.Revocations.RevokeGrant(ctx, f.realm.Name, grant.ID, now); err != nil {
		return err
	}
	return oauth.InvalidGrant().WithCause(store.ErrReplayed)
}

// narrowedResources are those of the family that a token request names, or all
// (RFC 8707 §2.2).
func narrowedResources(requested, granted []string) ([]string, error) {
	if len(requested) == 0 {
		return granted, nil
	}
	return oauth.RequestedResources(requested, granted, "")
}

// recent remembers the last ids added, so that requests that race with one
// replayed token report it once.
type recent struct {
	mu   sync.Mutex
	ids  [64]string
	next int
}

// add says whether id is new.
func (r *recent) add(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.ids[:], id) {
		return false
	}
	r.ids[r.next] = id
	r.next = (r.next + 1) % len(r.ids)
	return true
}

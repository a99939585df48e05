package endpoint

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 7009

// errForeignToken refuses to revoke what another client holds (RFC 7009 §2.1).
var errForeignToken = oauth.NewError(oauth.CodeInvalidGrant, "The token was issued to another client.")

// Revocation ends a token of the client that asks: an access token by itself, a
// refresh token with its whole family, whichever generation it is of. A token
// that is unknown, expired or revoked already is answered like one that was
// just revoked (RFC 7009 §2.2). token_type_hint has no effect: our tokens tell
// by themselves what they are.
func Revocation(r *realm.Realm) http.Handler {
	return handle(r, "token/revoke", func(w http.ResponseWriter, req *http.Request) error {
		form, err := wire.ReadForm(req)
		if err != nil {
			return err
		}
		client, err := r.Authenticate(req.Context(), req.Header, form, "")
		if err != nil {
			return err
		}
		raw := form.Secret("token")
		if raw.Empty() {
			return oauth.MissingParameter("token")
		}
		revoke := revokeAccess
		if token.KindOf(raw) == token.RefreshToken {
			revoke = revokeRefresh
		}
		if err := revoke(req.Context(), r, client, raw); err != nil {
			return err
		}
		wire.JSON(w, http.StatusOK, struct{}{})
		return nil
	})
}

func revokeAccess(ctx context.Context, r *realm.Realm, client *store.Client, raw oauth.Secret) error {
	now := r.Now()
	access, err := r.Tokens.OpenAccess(raw, now)
	switch {
	case errors.Is(err, token.ErrInvalid):
		return nil
	case err != nil:
		return err
	case access.ClientID != client.ID:
		return errForeignToken
	}
	known := r.Revocations.Revoked(r.Name, access.Lineage())
	if err := r.Revocations.RevokeToken(ctx, r.Name, access.ID, access.Expires, now); err != nil || known {
		return err
	}
	r.Tell(ctx, audit.Record{
		Event: audit.TokenRevoked, Actor: audit.ByClient, ClientID: client.ID, Subject: access.Subject,
		GrantID: access.GrantID, SessionID: access.SessionID, Details: audit.Details{{Key: audit.TokenID, Value: access.ID}},
	})
	return nil
}

func revokeRefresh(ctx context.Context, r *realm.Realm, client *store.Client, raw oauth.Secret) error {
	refresh, err := r.Tokens.OpenRefresh(raw)
	if errors.Is(err, token.ErrInvalid) {
		return nil
	}
	if err != nil {
		return err
	}
	grant, err := r.Store.Grant(ctx, r.Name, refresh.GrantID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case grant.ClientID != client.ID:
		return errForeignToken
	}
	if err := r.Revocations.RevokeGrant(ctx, r.Name, grant.ID, r.Now()); err != nil || grant.State == store.GrantRevoked {
		return err
	}
	r.Tell(ctx, audit.Record{
		Event: audit.GrantRevoked, Actor: audit.ByClient, ClientID: client.ID, Subject: grant.Subject,
		GrantID: grant.ID, SessionID: grant.SessionID, GrantType: grant.Type,
	})
	return nil
}

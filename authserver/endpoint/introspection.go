package endpoint

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 7662

// introspection is the answer of RFC 7662 §2.2. The zero value is the whole
// answer about a token that is dead or not the caller's to ask about.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	Username  string   `json:"username,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
}

// Introspection tells a confidential client about a token: an access token that
// was issued to it or whose audience is the client's own id, which is how a
// resource server registers to ask; a refresh token that was issued to it. The
// resources that a client lists are those it may ask tokens for, not those it
// is, so they give no right to introspect. About everything else the answer is
// {"active":false} and nothing more (AS44).
func Introspection(r *realm.Realm) http.Handler {
	return handle(r, "introspect", func(w http.ResponseWriter, req *http.Request) error {
		form, err := wire.ReadForm(req)
		if err != nil {
			return err
		}
		client, err := r.Authenticate(req.Context(), req.Header, form, "")
		if err != nil {
			return err
		}
		// A client id alone would let anyone scan for tokens (RFC 7662 §4).
		if client.Public {
			r.Tell(req.Context(), audit.Record{
				Event: audit.ClientAuthFailed, Actor: audit.ByClient, ClientID: client.ID,
				Details: audit.Details{{Key: audit.Reason, Value: "public_client"}},
			})
			return oauth.NewError(oauth.CodeInvalidClient, "Only a client that authenticates may introspect tokens.").
				WithChallenge(oauth.Challenge("Basic", "realm", r.Issuer))
		}
		raw := form.Secret("token")
		if raw.Empty() {
			return oauth.MissingParameter("token")
		}
		look := introspectAccess
		if token.KindOf(raw) == token.RefreshToken {
			look = introspectRefresh
		}
		answer, err := look(req.Context(), r, client, raw)
		if err != nil && !dead(err) {
			return err
		}
		wire.JSON(w, http.StatusOK, answer)
		return nil
	})
}

func introspectAccess(ctx context.Context, r *realm.Realm, client *store.Client, raw oauth.Secret) (introspection, error) {
	access, err := r.OpenAccess(raw)
	if err != nil {
		return introspection{}, err
	}
	if access.ClientID != client.ID && !slices.Contains(access.Audience, client.ID) {
		return introspection{}, nil
	}
	answer := introspection{
		Active:    true,
		Scope:     access.Scope.String(),
		ClientID:  access.ClientID,
		TokenType: "Bearer",
		Expires:   access.Expires.Unix(),
		IssuedAt:  access.IssuedAt.Unix(),
		Subject:   access.Subject,
		Audience:  access.Audience,
		Issuer:    access.Issuer,
		ID:        access.ID,
	}
	// A token of client credentials has no grant and no user behind it.
	if access.GrantID != "" {
		_, account, err := owner(ctx, r, access.GrantID)
		if err != nil {
			return introspection{}, err
		}
		answer.Username = account.Username
	}
	return answer, nil
}

// introspectRefresh answers about the current refresh token of a family. One
// that was rotated away is inactive, even while the grace period forgives its
// use. It has no token_type: that names how an access token is used.
func introspectRefresh(ctx context.Context, r *realm.Realm, client *store.Client, raw oauth.Secret) (introspection, error) {
	refresh, err := r.Tokens.OpenRefresh(raw)
	if err != nil {
		return introspection{}, err
	}
	grant, account, err := owner(ctx, r, refresh.GrantID)
	if err != nil {
		return introspection{}, err
	}
	if grant.ClientID != client.ID || grant.RefreshKey != refresh.KeyID || grant.Generation != refresh.Generation ||
		over(r.RefreshEnd(&grant), r.Now()) {
		return introspection{}, nil
	}
	answer := introspection{
		Active:   true,
		Scope:    grant.Scope.String(),
		ClientID: grant.ClientID,
		Username: account.Username,
		Subject:  grant.Subject,
		Audience: grant.Resources,
		Issuer:   r.Issuer,
	}
	// The idle expiry never lies behind the absolute one; zero means never.
	for _, end := range []time.Time{grant.Expires, grant.IdleExpires} {
		if !end.IsZero() {
			answer.Expires = end.Unix()
		}
	}
	return answer, nil
}

// over says whether an expiry has come; a zero one never does.
func over(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

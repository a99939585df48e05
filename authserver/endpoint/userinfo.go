package endpoint

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// OpenID Connect Core §5.3, RFC 6750 §2.1 and §3

// UserInfo tells the holder of an access token about its user: sub, what the
// scope of the token stands for, and what the authorization request asked for
// by name. The token counts in the Authorization header only.
func UserInfo(r *realm.Realm) http.Handler {
	return handle(r, "userinfo", func(w http.ResponseWriter, req *http.Request) error {
		if req.Method != http.MethodGet && req.Method != http.MethodPost {
			return oauth.MethodNotAllowed(http.MethodGet, http.MethodPost)
		}
		raw, present, err := oauth.BearerCredentials(req.Header.Values("Authorization"), req.URL.RawQuery)
		if err != nil {
			return challenged(r, oauth.AsError(err))
		}
		if !present {
			// RFC 6750 §3.1: no error code for a request without a token.
			w.Header().Set("WWW-Authenticate", oauth.Challenge("Bearer", "realm", r.Issuer))
			wire.NoStore(w.Header())
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		}
		claims, err := userClaims(r, req, raw)
		if err != nil {
			return err
		}
		wire.JSON(w, http.StatusOK, claims)
		return nil
	})
}

func userClaims(r *realm.Realm, req *http.Request, raw oauth.Secret) (map[string]any, error) {
	access, err := r.OpenAccess(raw)
	if err != nil {
		return nil, tokenError(r, err)
	}
	if access.GrantID == "" || !access.Scope.Has(oauth.ScopeOpenID) {
		return nil, insufficientScope(r, access)
	}
	grant, account, err := owner(req.Context(), r, access.GrantID)
	if err != nil {
		return nil, tokenError(r, err)
	}
	request, err := oauth.ParseClaimsRequest(grant.Claims)
	if err != nil {
		return nil, oauth.NewError(oauth.CodeServerError, "The claims of the authorization request cannot be read.").WithCause(err)
	}
	client, ok := r.Client(access.ClientID)
	if !ok {
		return nil, tokenError(r, errGone)
	}
	claims := oauth.SelectClaims(account.Claims, access.Scope, request.Restrict(client.Scopes).UserInfo)
	claims["sub"] = access.Subject
	return claims, nil
}

// insufficientScope is the 403 for a token that is good, but not for this: of
// client credentials there is no user to tell about.
func insufficientScope(r *realm.Realm, access token.Access) error {
	text := "The access token must have the scope openid."
	if access.GrantID == "" {
		text = "The access token belongs to a client, not to a user."
	}
	return challenged(r, oauth.NewError(oauth.CodeInsufficientScope, text), "scope", oauth.ScopeOpenID)
}

// tokenError is the 401 for a token that is not good; a fault of ours stays one.
func tokenError(r *realm.Realm, err error) error {
	if !dead(err) {
		return err
	}
	text := "The access token is invalid, expired or revoked."
	return challenged(r, oauth.NewError(oauth.CodeInvalidToken, text).WithCause(err))
}

// challenged adds the WWW-Authenticate header that says what e says.
func challenged(r *realm.Realm, e *oauth.Error, more ...string) error {
	parameters := append([]string{"realm", r.Issuer, "error", e.Code, "error_description", e.Description}, more...)
	return e.WithChallenge(oauth.Challenge("Bearer", parameters...))
}

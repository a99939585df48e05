package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/token"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// errGone is a token whose grant or account is not there any more.
var errGone = errors.New("the grant or its account is gone")

// handler answers a request of a realm, or says why it cannot.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle makes an http.Handler that writes the errors of h in one place.
func handle(in *realm.Realm, what string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			in.Fault(r.Context(), what, err)
			wire.Error(w, err)
		}
	})
}

// owner is the grant that a user's token came of and the account behind it, as
// both are now (AS42). errGone when either is not there any more.
func owner(ctx context.Context, in *realm.Realm, grantID string) (store.Grant, login.Account, error) {
	grant, err := in.Store.Grant(ctx, in.Name, grantID)
	if errors.Is(err, store.ErrNotFound) || err == nil && (grant.State != store.GrantActive || in.Over(&grant)) {
		return grant, login.Account{}, errGone
	}
	if err != nil {
		return grant, login.Account{}, err
	}
	// An account that came to mean somebody else answers for nobody's tokens.
	if subject, ok := in.Subject(grant.Account); !ok || subject != grant.Subject {
		return grant, login.Account{}, errGone
	}
	account, err := in.Account(ctx, grant.Account)
	if errors.Is(err, login.ErrNoAccount) {
		return grant, account, errGone
	}
	return grant, account, err
}

// dead says whether an error is the token's fault and not ours.
func dead(err error) bool { return errors.Is(err, token.ErrInvalid) || errors.Is(err, errGone) }

// publicLifetime is how long the public documents may be cached. No key signs
// before it has been in the key set for twice that (AS54).
var publicLifetime = fmt.Sprintf("public, max-age=%d", int(keys.CacheTime.Seconds()))

// writePublic serves a prepared public document, conditional requests included.
func writePublic(w http.ResponseWriter, r *http.Request, contentType, etag string, document []byte) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return oauth.MethodNotAllowed(http.MethodGet, http.MethodHead)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", publicLifetime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etag)
	wire.Content(w, r, document)
	return nil
}

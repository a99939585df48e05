package signin

import (
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
)

// methodPasskey is a passkey as the first factor, in the audit log.
const methodPasskey = "passkey"

// anyPasskey asks for a passkey of whoever it belongs to.
func anyPasskey(named oauth.Secret) factor.Ask {
	return factor.Ask{Verified: true, Binding: browser.Digest(named)}
}

// takePasskey signs in whoever a passkey belongs to.
func (e *Endpoint) takePasskey(w http.ResponseWriter, req *http.Request, errand *Errand, response string) {
	if !e.passkeys() {
		e.fail(w, req, oauth.InvalidRequest("Passkeys are not used here."))
		return
	}
	ctx, sent := req.Context(), e.realm.Now()
	named := e.browser.Cookies.Read(req, e.browser.Cookies.Form)
	used, err := e.factors.VerifyPasskey(ctx, anyPasskey(named), response)
	var account login.Account
	var subject string
	switch {
	case errors.Is(err, factor.ErrPasskey):
		e.realm.TellSignInFailed(ctx, &login.Refused{Account: used.Account, Reason: reasonPasskey}, failed(errand))
	case err == nil:
		if account, err = e.realm.Account(ctx, used.Account); errors.Is(err, login.ErrNoAccount) {
			err = &login.Refused{Account: used.Account, Reason: login.Disabled}
		}
		if err == nil {
			subject, err = e.realm.SubjectOf(ctx, account)
		}
		if errors.Is(err, login.ErrCredentials) {
			e.realm.TellSignInFailed(ctx, err, failed(errand))
		}
	}
	switch {
	case errors.Is(err, factor.ErrPasskey), errors.Is(err, login.ErrCredentials):
		e.showLogin(w, req, errand, http.StatusForbidden, errand.Hint, pages.PasskeyFailed)
	case err != nil:
		e.fail(w, req, err)
	default:
		e.signedIn(w, req, errand, sent, account, subject, methodPasskey, used.AMR...)
	}
}

package account

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// Password changes the password of an account whose service can. It takes the
// current one, under the limits of sign-ins, and ends all that rests on an earlier
// sign-in: this session too, so that a thief of it is out (AS41).
func (e *Endpoint) Password(w http.ResponseWriter, req *http.Request) {
	v := e.enter(w, req)
	if v == browser.Nobody {
		return
	}
	changer, can := e.realm.Services[v.Session.Account.Service].(login.PasswordChanger)
	if !can {
		e.fail(w, req, oauth.InvalidRequest("The password of this account is changed elsewhere."))
		return
	}
	if req.Method != http.MethodPost {
		e.showPassword(w, req, v, changer, "")
		return
	}
	if form, ok := e.readForm(w, req, v, passwordPage); ok {
		e.takePassword(w, req, v, changer, form)
	}
}

func (e *Endpoint) showPassword(w http.ResponseWriter, req *http.Request, v *browser.Visitor, changer login.PasswordChanger, message pages.Message) {
	e.write(w, req, message, e.changePage(v, changer, message))
}

func (e *Endpoint) changePage(v *browser.Visitor, changer login.PasswordChanger, message pages.Message) pages.ChangePassword {
	return pages.ChangePassword{
		Form: e.form(v, passwordPage, message), Username: v.Account.Username, Least: changer.LeastPassword(), Back: e.path(),
	}
}

func (e *Endpoint) takePassword(w http.ResponseWriter, req *http.Request, v *browser.Visitor, changer login.PasswordChanger, form oauth.Form) {
	if form.Get("password") != form.Get("again") {
		e.showPassword(w, req, v, changer, pages.PasswordsDiffer)
		return
	}
	ctx := req.Context()
	account, _, err := e.realm.SignIn(ctx, realm.Attempt{
		Service: v.Session.Account.Service, Username: v.Account.Username, Password: form.Secret("current"),
	})
	if err == nil && account.Account != v.Session.Account {
		err = login.ErrCredentials // the name is another's by now
	}
	if err == nil {
		var until time.Time
		if until, err = e.realm.ChangePassword(ctx, v.Session.Account, form.Secret("password")); err == nil {
			e.realm.Settle(ctx, until) // the next sign-in is not taken for one from before
		}
	}
	var weak *login.WeakPassword
	switch {
	case errors.Is(err, login.ErrLimited):
		wire.RetryAfter(w.Header(), login.RetryAfter(err))
		e.realm.Pages.Write(w, e.browser.Language(req), http.StatusTooManyRequests, e.changePage(v, changer, pages.TooManyAttempts))
	case errors.Is(err, login.ErrCredentials):
		e.showPassword(w, req, v, changer, pages.PasswordWrong)
	case errors.As(err, &weak):
		e.showPassword(w, req, v, changer, weakness(weak))
	case err != nil:
		e.fail(w, req, err)
	default:
		e.browser.Cookies.Remove(w, e.browser.Cookies.Session)
		e.realm.Pages.Write(w, e.browser.Language(req), http.StatusOK, pages.SignedOut{
			Message: pages.PasswordChanged, Back: e.path(),
		})
	}
}

// weakness is what the page says of a password that is refused.
func weakness(weak *login.WeakPassword) pages.Message {
	switch weak.Reason {
	case login.PasswordShort:
		return pages.PasswordShort
	case login.PasswordLong:
		return pages.PasswordLong
	case login.PasswordUnprintable:
		return pages.PasswordUnprintable
	}
	return pages.PasswordCommon
}

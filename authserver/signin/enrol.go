package signin

import (
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// sealTOTP keeps the secret of an app that is being set up apart.
const sealTOTP = "signin totp"

// newTOTP is the secret of an app that is being set up, as its page carries it.
type newTOTP struct {
	Account store.Account `json:"a"`
	Secret  string        `json:"s"`
}

// Enrol shows the page on which somebody makes a factor without which they cannot
// go on, and takes its form.
func (e *Endpoint) Enrol(w http.ResponseWriter, req *http.Request) {
	errand, a := e.goOn(w, req)
	if a == nil {
		return
	}
	form, ok := oauth.Form{}, true
	if req.Method == http.MethodPost {
		var err error
		if form, err = e.browser.ReadForm(req); err != nil {
			e.fail(w, req, err)
			return
		}
		ok = e.genuine(req, form, errand, formEnrol)
	}
	message := pages.Message("")
	if !ok {
		form, message = oauth.Form{}, pages.StaleForm
	}
	next := a.next()
	switch {
	case next != enrolTOTP && next != enrolPasskey:
		// It is made: after the recovery codes, or in another tab.
		e.proceed(w, req, errand, a.pending, a.account)
	case next == enrolTOTP && form.Has("sealed"):
		e.takeTOTP(w, req, errand, a, form)
	case next == enrolPasskey && form.Has("passkey"):
		e.takeNewPasskey(w, req, errand, a, form)
	case next == enrolTOTP:
		e.showTOTP(w, req, errand, a.account, e.factors.NewTOTP(a.account.Username), message)
	default:
		e.showNewPasskey(w, req, errand, a.account, message)
	}
}

// statusOf is that of a page with a message about what was sent.
func statusOf(message pages.Message) int {
	if message != "" {
		return http.StatusForbidden
	}
	return http.StatusOK
}

func (e *Endpoint) showTOTP(w http.ResponseWriter, req *http.Request, errand *Errand, account *login.Account, app factor.NewTOTP, message pages.Message) {
	sealed, err := e.browser.Forms.Seal(sealTOTP, newTOTP{account.Account, app.Secret.Reveal()}, e.realm.Now().Add(pendingLifetime))
	if err != nil {
		e.fail(w, req, err)
		return
	}
	e.write(w, req, errand, statusOf(message), pages.EnrolTOTP{
		Form:    e.form(e.browser.FormCookie(w, req), errand, formEnrol, message),
		Account: account.Username,
		URI:     app.URI.Reveal(), Secret: app.Groups(), Sealed: sealed.Reveal(),
		Required: true,
	})
}

// takeTOTP takes the first code of a new app, and shows the recovery codes.
func (e *Endpoint) takeTOTP(w http.ResponseWriter, req *http.Request, errand *Errand, a *asking, form oauth.Form) {
	ctx := req.Context()
	var made newTOTP
	err := e.browser.Forms.Open(sealTOTP, form.Secret("sealed"), e.realm.Now(), &made)
	if err != nil || made.Account != a.Account {
		e.showTOTP(w, req, errand, a.account, e.factors.NewTOTP(a.account.Username), pages.StaleForm)
		return
	}
	secret := oauth.NewSecret(made.Secret)
	err = e.factors.ConfirmTOTP(ctx, a.Account, secret, form.Get("code"), "")
	if errors.Is(err, factor.ErrWrongCode) {
		e.showTOTP(w, req, errand, a.account, e.factors.TOTPOf(a.account.Username, secret), pages.WrongCode)
		return
	}
	var codes []string
	if err == nil {
		codes, err = e.factors.NewRecoveryCodes(ctx, a.Account)
	}
	if err != nil {
		e.fail(w, req, err)
		return
	}
	a.add(login.AMROTP)
	if !e.keep(w, req, a.pending) {
		return
	}
	e.write(w, req, errand, http.StatusOK, pages.RecoveryCodes{
		Form:  e.form(e.browser.FormCookie(w, req), errand, formEnrol, ""),
		Codes: codes,
	})
}

func (e *Endpoint) showNewPasskey(w http.ResponseWriter, req *http.Request, errand *Errand, account *login.Account, message pages.Message) {
	named := e.browser.FormCookie(w, req)
	name, _ := account.Claims["name"].(string)
	options, err := e.factors.PasskeyCreation(req.Context(), account.Account, account.Username, name, anyPasskey(named).Binding)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	e.write(w, req, errand, statusOf(message), pages.EnrolPasskey{
		Form: e.form(named, errand, formEnrol, message), Account: account.Username, Options: options,
	})
}

// takeNewPasskey gives the account a passkey. That it works is shown by the step
// that follows, which asks for it.
func (e *Endpoint) takeNewPasskey(w http.ResponseWriter, req *http.Request, errand *Errand, a *asking, form oauth.Form) {
	_, err := e.factors.AddPasskey(req.Context(), a.Account, form.Get("label"), form.Get("passkey"), a.Browser)
	switch _, _, told := messageOf(err); {
	case told:
		e.showNewPasskey(w, req, errand, a.account, pages.PasskeyFailed)
	case err != nil:
		e.fail(w, req, err)
	default:
		e.proceed(w, req, errand, a.pending, a.account)
	}
}

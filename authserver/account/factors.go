package account

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// The pages below the account page.
const (
	passwordPage = "account/password"
	totpPage     = "account/totp"
	passkeyPage  = "account/passkey"
)

// mayAddTOTP and mayAddPasskey say what the realm would ask for at a sign-in.
func (e *Endpoint) mayAddTOTP() bool { return e.realm.SecondFactor != realm.SecondFactorOff }

func (e *Endpoint) mayAddPasskey() bool { return !e.realm.NoPasskeys && e.realm.Factors.HasPasskeys() }

// enrolled are the factors of who is signed in, and the account that has them.
func (e *Endpoint) enrolled(ctx context.Context, v *browser.Visitor) (owner store.Account, has factor.Enrolled, err error) {
	return e.realm.FactorsOf(ctx, v.Session.Account, v.Session.Subject, e.realm.Factors.Of)
}

// enterSettled is enter for a page that changes how one signs in. It reads the form
// of a POST, which goes back to the account page when the field is not in it: it is
// skipped, or the recovery codes have been seen. Nobody when it has answered.
func (e *Endpoint) enterSettled(w http.ResponseWriter, req *http.Request, page string, may bool, field string) (v *browser.Visitor, form oauth.Form) {
	if v = e.enter(w, req); v == browser.Nobody {
		return v, form
	}
	if req.Method == http.MethodPost {
		var ok bool
		if form, ok = e.readForm(w, req, v, page); !ok {
			return browser.Nobody, form
		}
		if !form.Has(field) || form.Has("skip") {
			e.back(w, req)
			return browser.Nobody, form
		}
	}
	switch {
	case !may:
		e.fail(w, req, oauth.InvalidRequest("This way of signing in is switched off here."))
		return browser.Nobody, form
	case !e.settled(w, req, v):
		return browser.Nobody, form
	}
	return v, form
}

// sealTOTP keeps the secret of an app that is being set up apart.
const sealTOTP = "account totp"

// newTOTP is the secret of an app that is being set up, as its page carries it. It
// is for one account.
type newTOTP struct {
	Account store.Account `json:"a"`
	Secret  string        `json:"s"`
}

// TOTP sets up an app that makes one-time codes.
func (e *Endpoint) TOTP(w http.ResponseWriter, req *http.Request) {
	v, form := e.enterSettled(w, req, totpPage, e.mayAddTOTP(), "sealed")
	switch {
	case v == browser.Nobody:
	case req.Method == http.MethodPost:
		e.takeTOTP(w, req, v, form)
	default:
		e.showTOTP(w, req, v, e.realm.Factors.NewTOTP(v.Account.Username), "")
	}
}

func (e *Endpoint) showTOTP(w http.ResponseWriter, req *http.Request, v *browser.Visitor, app factor.NewTOTP, message pages.Message) {
	sealed, err := e.browser.Forms.Seal(sealTOTP, newTOTP{v.Session.Account, app.Secret.Reveal()}, e.realm.Now().Add(formLifetime))
	if err != nil {
		e.fail(w, req, err)
		return
	}
	e.write(w, req, message, pages.EnrolTOTP{
		Form: e.form(v, totpPage, message), Account: v.Account.Username,
		URI: app.URI.Reveal(), Secret: app.Groups(), Sealed: sealed.Reveal(),
	})
}

func (e *Endpoint) takeTOTP(w http.ResponseWriter, req *http.Request, v *browser.Visitor, form oauth.Form) {
	var made newTOTP
	err := e.browser.Forms.Open(sealTOTP, form.Secret("sealed"), e.realm.Now(), &made)
	if err != nil || made.Account != v.Session.Account {
		e.showTOTP(w, req, v, e.realm.Factors.NewTOTP(v.Account.Username), pages.StaleForm)
		return
	}
	secret := oauth.NewSecret(made.Secret)
	owner, _, err := e.enrolled(req.Context(), v)
	if err == nil {
		err = e.realm.Factors.ConfirmTOTP(req.Context(), owner, secret, form.Get("code"), "")
	}
	if errors.Is(err, factor.ErrWrongCode) {
		e.showTOTP(w, req, v, e.realm.Factors.TOTPOf(v.Account.Username, secret), pages.WrongCode)
		return
	}
	e.added(w, req, v, totpPage, err)
}

// Passkey makes a passkey.
func (e *Endpoint) Passkey(w http.ResponseWriter, req *http.Request) {
	v, form := e.enterSettled(w, req, passkeyPage, e.mayAddPasskey(), "passkey")
	switch {
	case v == browser.Nobody:
	case req.Method != http.MethodPost:
		e.showPasskey(w, req, v, "")
	default:
		owner, _, err := e.enrolled(req.Context(), v)
		if err == nil {
			_, err = e.realm.Factors.AddPasskey(req.Context(), owner, form.Get("label"), form.Get("passkey"), v.Session.Digest)
		}
		if errors.Is(err, factor.ErrPasskey) || errors.Is(err, factor.ErrExists) {
			e.showPasskey(w, req, v, pages.PasskeyFailed)
			return
		}
		e.added(w, req, v, passkeyPage, err)
	}
}

func (e *Endpoint) showPasskey(w http.ResponseWriter, req *http.Request, v *browser.Visitor, message pages.Message) {
	owner, _, err := e.enrolled(req.Context(), v)
	var options string
	if err == nil {
		options, err = e.realm.Factors.PasskeyCreation(req.Context(), owner, v.Account.Username, displayName(v), v.Session.Digest)
	}
	if err != nil {
		e.fail(w, req, tooMany(err))
		return
	}
	e.write(w, req, message, pages.EnrolPasskey{
		Form: e.form(v, passkeyPage, message), Account: v.Account.Username, Options: options, Back: e.path(),
	})
}

// added shows recovery codes to whoever has none, for the day that a factor is
// lost, and goes back.
func (e *Endpoint) added(w http.ResponseWriter, req *http.Request, v *browser.Visitor, page string, err error) {
	if err != nil {
		e.fail(w, req, tooMany(err))
		return
	}
	_, enrolled, err := e.enrolled(req.Context(), v)
	switch {
	case err != nil:
		e.fail(w, req, err)
	case enrolled.RecoveryLeft > 0:
		e.done(w, req, pages.FactorAdded)
	default:
		e.showRecoveryCodes(w, req, v, page)
	}
}

// showRecoveryCodes makes new ones, in place of those there are, and shows them
// once. Its form goes to the page that shows them.
func (e *Endpoint) showRecoveryCodes(w http.ResponseWriter, req *http.Request, v *browser.Visitor, page string) {
	owner, _, err := e.enrolled(req.Context(), v)
	var codes []string
	if err == nil {
		codes, err = e.realm.Factors.NewRecoveryCodes(req.Context(), owner)
	}
	if err != nil {
		e.fail(w, req, err)
		return
	}
	e.realm.Pages.Write(w, e.browser.Language(req), http.StatusOK, pages.RecoveryCodes{Form: e.form(v, page, ""), Codes: codes})
}

// tooMany is told an account that has as many factors as it may.
func tooMany(err error) error {
	if errors.Is(err, factor.ErrTooMany) {
		return oauth.InvalidRequest("The account has as many second factors as it may have: remove one first.").WithCause(err)
	}
	return err
}

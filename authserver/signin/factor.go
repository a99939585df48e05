package signin

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/audit"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/factor"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/pages"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Why a step after the first factor was refused, in the audit log.
const (
	reasonCode    = "wrong_code"
	reasonLimited = "limited"
	reasonPasskey = "passkey"
)

// Factor shows the page that asks for a second factor, and takes its form.
func (e *Endpoint) Factor(w http.ResponseWriter, req *http.Request) {
	errand, a := e.goOn(w, req)
	if a == nil {
		return
	}
	next := a.next()
	switch {
	case next != askFactor && next != askPasskey:
		// What the account has, or has to have, is different by now.
		e.proceed(w, req, errand, a.pending, a.account)
	case req.Method == http.MethodPost:
		e.takeFactor(w, req, errand, a)
	default:
		e.showFactor(w, req, errand, a, http.StatusOK, "")
	}
}

// asking is the state of a page that asks for a second factor, or has one made.
type asking struct {
	*pending
	account *login.Account
	situation
}

// goOn finds the sign-in that a page after the first factor is a step of, as it is
// now. When there is none that may go on, it has answered and gives nil.
func (e *Endpoint) goOn(w http.ResponseWriter, req *http.Request) (*Errand, *asking) {
	errand := e.errand(w, req)
	if errand == nil {
		return nil, nil
	}
	p := e.resume(w, req, errand)
	if p == nil {
		return nil, nil
	}
	account, err := e.still(req, errand, p)
	if err == nil && account == nil {
		e.forget(w, req, errand)
		e.restart(w, errand)
		return nil, nil
	}
	var s situation
	if err == nil {
		s, err = e.situate(req, errand, p)
	}
	if err != nil {
		e.fail(w, req, err)
		return nil, nil
	}
	return errand, &asking{p, account, s}
}

// codes says whether a code would do.
func (a *asking) codes() bool { return a.next() == askFactor && a.situation.codes() }

// ask is the passkey that would do.
func (a *asking) ask() factor.Ask {
	return factor.Ask{Account: a.owner, Verified: a.next() == askPasskey, Binding: a.Browser}
}

// showFactor writes the page that asks for a second factor.
func (e *Endpoint) showFactor(w http.ResponseWriter, req *http.Request, errand *Errand, a *asking, status int, message pages.Message) {
	page := pages.Factor{
		Form:       e.form(e.browser.FormCookie(w, req), errand, formFactor, message),
		ClientName: errand.ClientName,
		Account:    a.account.Username,
		TOTP:       a.codes() && a.has.TOTP,
		Recovery:   a.codes() && a.has.RecoveryLeft > 0,
	}
	if a.hasPasskey() {
		var err error
		if page.Passkey, err = e.factors.PasskeyRequest(req.Context(), a.ask()); err != nil && !errors.Is(err, factor.ErrNotFound) {
			e.fail(w, req, err)
			return
		}
	}
	e.write(w, req, errand, status, page)
}

// takeFactor takes a code, a recovery code or a passkey.
func (e *Endpoint) takeFactor(w http.ResponseWriter, req *http.Request, errand *Errand, a *asking) {
	form, err := e.browser.ReadForm(req)
	if err != nil {
		e.fail(w, req, err)
		return
	}
	if !e.genuine(req, form, errand, formFactor) {
		e.showFactor(w, req, errand, a, http.StatusForbidden, pages.StaleForm)
		return
	}
	if !form.Has("code") && !form.Has("recovery") && !form.Has("passkey") {
		e.showFactor(w, req, errand, a, http.StatusBadRequest, pages.WrongCode)
		return
	}
	amr, err := e.prove(req.Context(), form, a, failed(errand))
	if message, status, told := messageOf(err); told {
		if errors.Is(err, login.ErrLimited) {
			retryAfter(w, err)
		}
		e.realm.TellSignInFailed(req.Context(), refused(a.Account, err), failed(errand))
		e.showFactor(w, req, errand, a, status, message)
		return
	}
	if err != nil {
		e.fail(w, req, err)
		return
	}
	a.add(amr...)
	e.proceed(w, req, errand, a.pending, a.account)
}

// prove checks the one of the fields that is filled in, and gives its methods.
func (e *Endpoint) prove(ctx context.Context, form oauth.Form, a *asking, record audit.Record) (amr []string, err error) {
	switch code, recovery := form.Get("code"), form.Get("recovery"); {
	case form.Has("passkey") && a.hasPasskey():
		used, err := e.factors.VerifyPasskey(ctx, a.ask(), form.Get("passkey"))
		return used.AMR, err
	case code != "" && a.codes():
		return []string{login.AMROTP}, e.guess(ctx, a, record, func() error {
			return e.factors.VerifyTOTP(ctx, a.owner, code)
		})
	case recovery != "" && a.codes():
		return []string{login.AMROTP}, e.guess(ctx, a, record, func() error {
			_, err := e.factors.UseRecoveryCode(ctx, a.owner, recovery)
			return err
		})
	}
	return nil, factor.ErrWrongCode
}

// guess checks a code unless there were too many wrong ones: login.ErrLimited.
// Codes are short, and whoever gets here knows the password (AS47, AS64).
func (e *Endpoint) guess(ctx context.Context, a *asking, record audit.Record, check func() error) error {
	record.Subject = a.Subject
	return e.realm.Attempts.Try(ctx, store.AttemptCode, a.Subject, &record, func() error {
		err := check()
		if errors.Is(err, factor.ErrWrongCode) {
			err = refused(a.Account, err)
		}
		return err
	})
}

// refused is a step that was refused after the first factor, for the audit log.
func refused(account store.Account, err error) error {
	reason := reasonCode
	switch {
	case errors.Is(err, login.ErrLimited):
		reason = reasonLimited
	case errors.Is(err, factor.ErrPasskey):
		reason = reasonPasskey
	}
	return &login.Refused{Account: account, Reason: reason}
}

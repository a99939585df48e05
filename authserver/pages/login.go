package pages

import "github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"

// Form is what every form has: it posts to the page's own address.
type Form struct {
	// FormToken is the field form_token, which ties the form to this browser.
	FormToken oauth.Secret
	// FormTarget is the origin that the browser may be sent on to after the form,
	// for the form-action policy; "" for none.
	FormTarget string
	// Message is what went wrong, or well, before.
	Message Message
}

// Token is the form token in the clear, for the template.
func (f Form) Token() string { return f.FormToken.Reveal() }

func (f Form) message() Message { return f.Message }

func (f Form) policy(more ...string) []string {
	return append([]string{formAction("'self'", originSource(f.FormTarget))}, more...)
}

// Login is the sign-in page. Fields: username and password; service with the name
// of a service that was chosen; passkey with what the browser made of Passkey.
type Login struct {
	Form
	// ClientName is what the user signs in for; "" for the account page.
	ClientName string
	// Username fills the field (login_hint, or what was typed before).
	Username string
	// NoPassword leaves the password form out: nobody signs in with one here.
	NoPassword bool
	// Services are those that sign people in at a site of their own.
	Services []Choice
	// Passkey are the options for navigator.credentials.get as JSON, "" when
	// passkeys cannot be used.
	Passkey string
}

// Choice is a service by its name and what the button says.
type Choice struct{ Name, Label string }

func (p Login) page() (string, []string) {
	if len(p.Services) == 0 {
		return "login.html", p.policy()
	}
	// The answer to their form leads to another site, and there from one origin to
	// the next: https, or http on this machine.
	sources := []string{"'self'", "https:", "http://localhost:*", "http://127.0.0.1:*"}
	if target := originSource(p.FormTarget); target != "https:" {
		sources = append(sources, target)
	}
	return "login.html", []string{formAction(sources...)}
}

func (p Login) script() string { return passkeyScript(p.Passkey) }

// Factor is the page that asks for a second factor. Fields: code (of the app),
// recovery (a recovery code), passkey.
type Factor struct {
	Form
	ClientName string
	// Account is who is signing in.
	Account string
	// TOTP and Recovery say what codes the account has.
	TOTP, Recovery bool
	// Passkey are the options for navigator.credentials.get as JSON, "" when the
	// account has none.
	Passkey string
}

func (p Factor) page() (string, []string) { return "factor.html", p.policy() }

func (p Factor) script() string { return passkeyScript(p.Passkey) }

// passkeyScript is the script of a page that has options for a passkey. Pages
// without have none.
func passkeyScript(options string) string {
	if options == "" {
		return ""
	}
	return assetPasskey
}

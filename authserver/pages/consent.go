package pages

import (
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Consent is the page that asks the user. Its form posts to the page's own
// address, fields form_token and decision (allow or deny).
type Consent struct {
	ClientName string
	// Account is who is signed in, as shown to them.
	Account string
	// RedirectOrigin is where the answer goes.
	RedirectOrigin string
	// Scopes are the scope tokens asked for; Claims are the claims asked for by
	// name that no scope among them stands for.
	Scopes, Claims []string
	FormToken      oauth.Secret
}

// scopeWords say what the scopes of OpenID Connect Core §5.4 and §11 mean. Other
// scopes are the operator's own and are shown as they are.
var scopeWords = map[string]string{
	oauth.ScopeOpenID:        "Know who you are",
	oauth.ScopeProfile:       "See your profile, such as your name",
	oauth.ScopeEmail:         "See your email address",
	oauth.ScopeAddress:       "See your postal address",
	oauth.ScopePhone:         "See your phone number",
	oauth.ScopeOfflineAccess: "Keep access while you are away",
}

// Token is the form token in the clear, for the template.
func (p Consent) Token() string { return p.FormToken.Reveal() }

// Permission is one line of what is asked for: in words, or as a bare name.
type Permission struct{ Words, Name string }

// Permissions are the scopes in words, then the claims.
func (p Consent) Permissions() []Permission {
	var list []Permission
	for _, scope := range p.Scopes {
		if words, ok := scopeWords[scope]; ok {
			list = append(list, Permission{Words: words})
		} else {
			list = append(list, Permission{Name: scope})
		}
	}
	for _, claim := range p.Claims {
		list = append(list, Permission{Words: "See from your account:", Name: claim})
	}
	return list
}

func (p Consent) page() (string, []string) {
	return "consent.html", []string{formAction("'self'", originSource(p.RedirectOrigin))}
}

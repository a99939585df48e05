package authorize

import (
	"slices"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/browser"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/signin"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// OpenID Connect Core §3.1.2.3 and §3.1.2.4, RFC 8252 §8.6

// step is what has to happen next.
type step int

const (
	// signIn asks who the user is.
	signIn step = iota
	// askConsent asks the user whether the client may.
	askConsent
	// giveAnswer sends the client what it asked for.
	giveAnswer
)

// situation is all that a decision rests on.
type situation struct {
	request *request
	visitor *browser.Visitor
	// remembered is what the user agreed to before.
	remembered store.Consent
	// proven says that the user has signed in for this very request just now, as
	// surely as they can.
	proven bool
	// allowed says that the user has agreed to this very request just now.
	allowed bool
	now     time.Time
}

// decide finds the next step, or the error that the client gets because the
// step needs a person and nobody can be asked (PG19).
func decide(s situation) (step, error) {
	next := s.next()
	silent := s.silent()
	switch {
	case silent && next == signIn:
		return next, oauth.NewError(oauth.CodeLoginRequired, "The user must sign in.")
	case silent && next == askConsent:
		return next, oauth.NewError(oauth.CodeConsentRequired, "The user must agree to the request.")
	default:
		return next, nil
	}
}

func (s situation) next() step {
	switch {
	case s.needsLogin():
		return signIn
	case s.needsConsent():
		return askConsent
	default:
		return giveAnswer
	}
}

func (s situation) needsLogin() bool {
	r, v := s.request, s.visitor
	if v == browser.Nobody || !r.concerns(v.Session.Subject) || signin.LevelOf(v.Session.AMR) < r.least {
		return true
	}
	return !s.proven && (r.prompts(promptLogin) || r.prompts(promptSelectAccount) ||
		r.maxAge == 0 || r.maxAge > 0 && s.now.Sub(v.Session.AuthTime) > r.maxAge || s.couldBeSurer())
}

// couldBeSurer says whether a surer sign-in would be welcome. It is worth asking
// once, and nothing where nobody can be asked.
func (s situation) couldBeSurer() bool {
	return len(s.request.preferred) > 0 && signin.LevelOf(s.visitor.Session.AMR) < s.request.preferred[0] && !s.silent()
}

// silent says whether there is nobody to show a page to.
func (s situation) silent() bool {
	return s.request.prompts(promptNone) || s.visitor != browser.Nobody && s.visitor.Scripted
}

func (s situation) needsConsent() bool {
	r, c := s.request, s.request.client
	switch {
	case s.allowed:
		return false
	case r.prompts(promptConsent):
		return true
	// Any app on the device can claim a loopback port or a scheme, so neither the
	// operator nor what a user agreed to can speak for who asks now (RFC 8252
	// §8.6). A secret would, but tokens in the front channel need none.
	case (c.Public || r.responseType != oauth.ResponseTypeCode) && isNative(r.redirectURI):
		return true
	case c.SkipConsent:
		return false
	// Claims by name are not remembered, so they are asked for each time.
	case len(r.claims.Beyond(r.scope, s.visitor.Account.Claims)) > 0:
		return true
	default:
		return !covers(s.remembered, r)
	}
}

// isNative says whether a redirect URI leads to an app on the user's device.
func isNative(redirectURI string) bool {
	scheme, _, _ := strings.Cut(redirectURI, ":")
	// http is registered for loopback only.
	return !strings.EqualFold(scheme, "https")
}

// covers says whether a remembered consent speaks of all that is asked for.
func covers(remembered store.Consent, r *request) bool {
	if !r.scope.Within(remembered.Scope) {
		return false
	}
	for _, resource := range r.resources {
		if !slices.Contains(remembered.Resources, resource) {
			return false
		}
	}
	return true
}

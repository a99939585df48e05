package people

import (
	"strings"
	"testing"
)

// elsewhere makes the realm /corp the OpenID provider of the root realm: another
// site, with users, sessions and cookies of its own.
const elsewhere = `authentication corp oidc ISSUER/realms/root/realms/corp {
				client_id front
				client_secret front-secret
				label "Example Corporation"
			}
			default_authentication users
		}
		realm /corp {
			issuer ISSUER/realms/root/realms/corp
			authentication users file ../../../docs/example/users.yaml
			client front {
				name "The front door"
				secret front-secret
				redirect_uri ISSUER/login/callback
				grants authorization_code
				scopes openid profile email
				default_scopes openid
			}`

func TestPeopleSignInAtAnotherSite(t *testing.T) {
	w := newWorld(t, elsewhere)
	b := newTab(t)
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	b.wants("Example Corporation")
	b.accessible("sign-in with another site")
	b.press(button("service", "corp"))
	b.wants("The front door")
	b.signIn(username, "wrong")
	b.wants("Wrong username or password.")
	b.signIn(username, password)
	// What the other site may be told is asked there.
	b.press(button("decision", "allow"))
	if got := w.answered(b); got.Get("code") == "" || got.Get("state") != "af0ifjsldkj" {
		t.Errorf("the application gets %v", got)
	}
	// Signed in here, and at the other site: neither asks again.
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	w.answered(b)
	b.open(w.issuer + "/account")
	b.wants("Demo User")
}

func TestWhoSaysNoAtAnotherSiteIsBackAtTheSignInPage(t *testing.T) {
	w := newWorld(t, elsewhere)
	b := newTab(t)
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	b.press(button("service", "corp"))
	b.signIn(username, password)
	b.press(button("decision", "deny"))
	if !strings.HasPrefix(b.at(), w.issuer+"/login?") {
		t.Fatalf("at %s", b.saw())
	}
	b.wants("Example Corporation")
	// The password of this site works all the same.
	b.signIn(username, password)
	w.answered(b)
}

// An answer that nobody waits for, or that another browser waits for, signs nobody
// in (PG4).
func TestPG4_AnAnswerOfAnotherBrowserSignsNobodyIn(t *testing.T) {
	w := newWorld(t, elsewhere)
	victim, thief := newTab(t), newTab(t)
	thief.open(w.request("client_id", "trusted", "scope", "openid"))
	thief.press(button("service", "corp"))
	departed := thief.at()
	victim.open(departed)
	victim.signIn(username, password)
	victim.press(button("decision", "allow"))
	if strings.HasPrefix(victim.at(), w.app) {
		t.Fatalf("the victim was signed in by the thief's departure: %s", victim.saw())
	}
	victim.open(w.request("client_id", "trusted", "scope", "openid"))
	victim.wants("Sign in")
}

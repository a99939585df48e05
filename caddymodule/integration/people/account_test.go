package people

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// action is a button of the account page.
func action(name string) string { return button("action", name) }

// signedIn is a browser of its own at the shop, which lets it read orders.
func (w *world) signedIn(scope string) (*tab, tokens) {
	w.t.Helper()
	b := newTab(w.t)
	b.open(w.request("scope", scope))
	b.signIn(username, password)
	if strings.HasPrefix(b.at(), w.issuer+"/consent") {
		b.press(button("decision", "allow"))
	}
	return b, w.redeem(b)
}

func TestPG22_AccountPage(t *testing.T) {
	w := newWorld(t, `pages {
		scope orders:read "See your orders"
	}`)
	account := w.issuer + "/account"
	elsewhere, theirs := w.signedIn("openid email orders:read")
	b := newTab(t)
	b.open(account)
	b.wants("Sign in", "to manage your account")
	b.signIn(username, password)
	if b.at() != account {
		t.Fatalf("signing in leads to %s", b.saw())
	}
	b.wants("Your account", "Demo User", "This browser", "Linux", "The Shop", "See your orders", "See your email address")
	if count := read(b, chromedp.Evaluate[int](`document.querySelectorAll('[id^="session-"]').length`)); count != 2 {
		t.Errorf("there are %d sessions: %s", count, b.saw())
	}
	b.accessible("account")

	// The other browser is signed out, and what came of it ends with it.
	if status := w.called(theirs); status != http.StatusOK {
		t.Fatalf("the API answers %d", status)
	}
	b.press(action("end_session"))
	b.wants("You are signed out there.")
	b.accessible("account, with a message")
	if status := w.called(theirs); status != http.StatusUnauthorized {
		t.Errorf("the API answers a token of an ended session with %d", status)
	}
	elsewhere.open(w.request("prompt", "none"))
	if got := w.answered(elsewhere).Get("error"); got != "login_required" {
		t.Errorf("the other browser is told %q", got)
	}
	// A reload of the page does nothing again.
	b.do(chromedp.Reload())
	b.wants("This browser", "The Shop")

	// Access is taken away, at once.
	b.open(w.request("scope", "openid email orders:read"))
	ours := w.redeem(b)
	b.open(account)
	b.press(action("revoke_application"))
	b.wants("The access has been taken away.", "No application has access to your account.")
	if status := w.called(ours); status != http.StatusUnauthorized {
		t.Errorf("the API answers a token that was taken away with %d", status)
	}
	if status := w.refreshed(ours); status != http.StatusBadRequest {
		t.Errorf("a refresh is answered with %d", status)
	}
	b.open(w.request())
	b.wants("Allow access?", "The Shop")
}

func TestPG7_PG22_EndingTheOtherSessions(t *testing.T) {
	w := newWorld(t, "")
	first, ones := w.signedIn("openid")
	second, others := w.signedIn("openid")
	b, kept := w.signedIn("openid offline_access")
	b.open(w.issuer + "/account")
	b.press(action("end_other_sessions"))
	for i, other := range []*tab{first, second} {
		other.open(w.issuer + "/account")
		other.wants("Sign in")
		if status := w.called([]tokens{ones, others}[i]); status != http.StatusUnauthorized {
			t.Errorf("session %d: the API answers %d", i, status)
		}
	}
	if status := w.called(kept); status != http.StatusOK {
		t.Errorf("the API answers the session that stays with %d", status)
	}
	// All applications at once.
	b.press(action("revoke_all_applications"))
	b.wants("The access has been taken away.", "No application has access to your account.")
	if status := w.called(kept); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d", status)
	}
	b.press(action("sign_out"))
	b.wants("Sign out?")
}

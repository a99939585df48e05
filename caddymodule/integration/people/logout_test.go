package people

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// signOut is the address that a client sends people to.
func (w *world) signOut(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return w.issuer + "/connect/endSession?" + values.Encode()
}

func TestCL8_SignOutThatIsAskedFor(t *testing.T) {
	w := newWorld(t, "")
	bye := w.app + "/bye"
	b, got := w.signedIn("openid")

	// Anybody can send people there; they are asked.
	b.open(w.signOut("client_id", "shop", "post_logout_redirect_uri", bye, "state", "see you"))
	b.wants("Sign out?", "The Shop asks to sign you out.", username)
	b.accessible("sign out?")
	b.press(button("decision", "stay"))
	b.wants("Your account")
	if status := w.called(got); status != http.StatusOK {
		t.Errorf("the API answers who stays with %d", status)
	}
	b.open(w.signOut("client_id", "shop", "post_logout_redirect_uri", bye, "state", "see you"))
	b.press(button("decision", "sign_out"))
	if at := b.at(); at != bye+"?state=see+you" && at != bye+"?state=see%20you" {
		t.Errorf("sent to %s", at)
	}
	if status := w.called(got); status != http.StatusUnauthorized {
		t.Errorf("the API answers who has signed out with %d", status)
	}
	// Back to a page that nothing can be done with.
	b.back()
	b.until("back", func() bool { return strings.HasPrefix(b.at(), w.issuer) })
	if b.has(button("decision", "stay")) {
		b.pressAgain(button("decision", "stay"))
	}
	if text := b.text(); strings.Contains(text, "Your account") {
		t.Errorf("the page says %s", text)
	}
	b.open(w.request("prompt", "none"))
	if got := w.answered(b).Get("error"); got != "login_required" {
		t.Errorf("the shop is told %q", got)
	}
	// Nobody is signed in any more, so nobody is asked.
	b.open(w.signOut())
	b.wants("You are signed out", "On a shared computer, close the browser as well.")
	b.accessible("signed out")
}

func TestCL8_SignOutByTheClientsOwnToken(t *testing.T) {
	w := newWorld(t, "")
	bye := w.app + "/bye"
	b, got := w.signedIn("openid")
	b.open(w.signOut("id_token_hint", got.ID, "post_logout_redirect_uri", bye))
	if b.at() != bye {
		t.Fatalf("not sent back: %s", b.saw())
	}
	if status := w.called(got); status != http.StatusUnauthorized {
		t.Errorf("the API answers who has signed out with %d", status)
	}

	b.open(w.request("scope", "openid offline_access"))
	b.signIn(username, password)
	b.press(button("decision", "allow"))
	again := w.redeem(b)
	b.open(w.signOut("id_token_hint", again.ID))
	b.wants("You are signed out")
	// OpenID Connect Core §11: what was agreed to for while they are away.
	if status := w.called(again); status != http.StatusOK {
		t.Errorf("the API answers offline access with %d", status)
	}
	b.back()
	b.until("back", func() bool { return strings.HasPrefix(b.at(), w.app) })
	b.open(w.issuer + "/account")
	b.wants("to manage your account")

	// A token that was begun in another session signs nobody out unasked.
	b.signIn(username, password)
	b.open(w.signOut("id_token_hint", again.ID, "post_logout_redirect_uri", bye))
	b.wants("Sign out?")
	for _, elsewhere := range []string{bye + "/", "https://evil.example/", "javascript:alert(1)"} {
		b.open(w.signOut("client_id", "shop", "post_logout_redirect_uri", elsewhere))
		b.wants("This request cannot be answered", "post_logout_redirect_uri is not registered for the client.")
	}
	b.accessible("a sign-out that is wrong")
	b.open(w.issuer + "/account")
	b.press(action("sign_out"))
	b.press(button("decision", "sign_out"))
	b.wants("You are signed out")
}

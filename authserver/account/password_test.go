package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/realmtest"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/login"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

const (
	oldPassword = "correct horse battery"
	newPassword = "staple the other horse"
)

// keeping is a world whose service own has alice.
func keeping(t *testing.T) (*realmtest.World, *person) {
	t.Helper()
	w := realmtest.New(t, func(s *realm.Settings) { s.Services["own"] = login.NewKeeper(login.PasswordPolicy{}) })
	digest, err := w.Hasher.Hash(t.Context(), oauth.NewSecret(oldPassword))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Store.CreateAccount(t.Context(), store.StoredAccount{
		Realm: "/", Account: store.Account{Service: "own", ID: "u1"}, Username: "alice", Password: digest, Claims: "{}",
		Created: w.Clock.Now(), Updated: w.Clock.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, signedIn(t, w, "own:u1")
}

func (p *person) change(current, password, again string) (status int, html string) {
	p.t.Helper()
	answer := p.changed(current, password, again)
	return answer.Code, answer.Body.String()
}

func (p *person) changed(current, password, again string) *httptest.ResponseRecorder {
	p.t.Helper()
	shown := p.below("password", nil)
	wants(p.t, shown, http.StatusOK, "alice")
	return p.below("password", url.Values{
		"form_token": {tokenOf(p.t, shown.Body.String())}, "current": {current}, "password": {password}, "again": {again},
	})
}

func signsIn(w *realmtest.World, password string) bool {
	_, _, err := w.Realm.SignIn(context.Background(), realm.Attempt{Service: "own", Username: "alice", Password: oauth.NewSecret(password)})
	return err == nil
}

func TestAS41_AChangedPasswordEndsAllThatRestsOnTheOldOne(t *testing.T) {
	w, p := keeping(t)
	thief := signedIn(t, w, "own:u1")
	_, access := thief.grant("web")
	goes(t, p.press("change_password", ""), "account/password")
	answer := p.changed(oldPassword, newPassword, newPassword)
	wants(t, answer, http.StatusOK, "Your password has been changed.")
	if set := answer.Result().Cookies(); len(set) != 1 || set[0].Name != p.cookie.Name || set[0].MaxAge >= 0 {
		t.Errorf("the browser keeps its cookie: %v", set)
	}
	thief.alive("the thief's", access, false)
	for who, session := range map[string]*person{"the thief": thief, "whoever changed it": p} {
		if answer := session.send(http.MethodGet, page, nil); answer.Code != http.StatusSeeOther {
			t.Errorf("%s is still signed in: %d", who, answer.Code)
		}
	}
	if signsIn(w, oldPassword) || !signsIn(w, newPassword) {
		t.Error("the old password signs in, or the new one does not")
	}
	signedIn(t, w, "own:u1").grant("web") // what comes of the next sign-in is alive, however soon it is
}

func TestAS63_PasswordsThatCannotBeChosenSayWhy(t *testing.T) {
	w, p := keeping(t)
	wants(t, p.below("password", nil), http.StatusOK, "At least 15 characters.")
	for _, test := range []struct{ current, password, again, says string }{
		{"wrong horse", newPassword, newPassword, "The current password is wrong."},
		{oldPassword, newPassword, newPassword + ".", "The two new passwords differ."},
		{oldPassword, "tiny7", "tiny7", "This password is too short."},
		{oldPassword, "passwordpassword", "passwordpassword", "Many people use this password."},
		{oldPassword, strings.Repeat("x1", 200), strings.Repeat("x1", 200), "This password is too long."},
		{oldPassword, "a horse with a \x07 bell", "a horse with a \x07 bell", "cannot be typed everywhere"},
	} {
		if status, html := p.change(test.current, test.password, test.again); status != http.StatusForbidden || !strings.Contains(html, test.says) || !strings.Contains(html, "At least 15 characters.") || strings.Contains(html, test.password) {
			t.Errorf("%q: status %d, want one that says %q: %s", test.password, status, test.says, html)
		}
	}
	if !signsIn(w, oldPassword) {
		t.Error("the password is another one")
	}
}

func TestAS64_TheCurrentPasswordIsGuessedUnderLimits(t *testing.T) {
	_, p := keeping(t)
	var last int
	var html string
	for range 8 {
		last, html = p.change("wrong horse", newPassword, newPassword)
	}
	if last != http.StatusTooManyRequests || !strings.Contains(html, "Wait 1 second, then try again.") {
		t.Errorf("the eighth guess has status %d: %s", last, html)
	}
}

func TestPasswordsThatAreKeptElsewhereAreNotChangedHere(t *testing.T) {
	p := signedIn(t, realmtest.New(t), "demo")
	if html := p.see(); strings.Contains(html, "change_password") {
		t.Error("the page has a button for it")
	}
	wants(t, p.below("password", nil), http.StatusBadRequest, "changed elsewhere")
}

package people

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestSignInAndConsent(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	b.open(w.request())
	b.wants("The Shop")
	b.accessible("sign-in")
	b.signIn(username, "wrong")
	b.wants("Wrong username or password.")
	b.accessible("sign-in, refused")
	b.signIn("nobody", password)
	b.wants("Wrong username or password.")
	b.signIn(username, password)
	b.wants("The Shop", w.app, username)
	b.accessible("consent")
	b.press(button("decision", "allow"))
	if got := w.answered(b); got.Get("code") == "" || got.Get("state") != "af0ifjsldkj" || got.Get("iss") != w.issuer {
		t.Errorf("the application gets %v", got)
	}
	// What was agreed to is remembered; more is asked for.
	b.open(w.request())
	w.answered(b)
	b.open(w.request("scope", "openid email orders:read"))
	b.wants("orders:read")
	b.press(button("decision", "deny"))
	if got := w.answered(b); got.Get("error") != "access_denied" || got.Has("code") {
		t.Errorf("the application gets %v", got)
	}
}

func TestPG18_PG19_PromptsAndAges(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "none"))
	if got := w.answered(b); got.Get("error") != "login_required" {
		t.Errorf("nobody is signed in: %v", got)
	}
	b.open(w.request("client_id", "trusted", "scope", "openid"))
	b.signIn(username, password)
	w.answered(b)
	for _, test := range []struct{ name, value string }{
		{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"},
	} {
		b.open(w.request("client_id", "trusted", "scope", "openid", test.name, test.value))
		b.signIn(username, password)
		if got := w.answered(b); got.Get("code") == "" {
			t.Errorf("%s=%s: %v", test.name, test.value, got)
		}
	}
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "consent"))
	b.press(button("decision", "allow"))
	w.answered(b)
	b.open(w.request("client_id", "trusted", "scope", "openid", "prompt", "none"))
	if got := w.answered(b); got.Get("code") == "" {
		t.Errorf("signed in: %v", got)
	}
	b.open(w.request("prompt", "none"))
	if got := w.answered(b); got.Get("error") != "consent_required" {
		t.Errorf("nothing agreed to: %v", got)
	}
}

func TestPG10_BackButtonDoubleSubmitAndTwoTabs(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	b.open(w.request())
	b.signIn(username, password)
	b.press(button("decision", "allow"))
	first := w.answered(b).Get("code")
	// Back to the consent page, and Allow once more.
	b.back()
	b.until("back at the consent page", func() bool { return strings.HasPrefix(b.at(), w.issuer+"/consent") })
	b.pressAgain(button("decision", "allow"))
	if strings.HasPrefix(b.at(), w.app) {
		if again := w.answered(b); again.Get("code") == first {
			t.Error("one code was sent twice")
		}
	} else if text := b.text(); !strings.Contains(text, "already used") {
		t.Errorf("the page says %s", text)
	}
	// Two tabs at the sign-in page: both end where they belong.
	one := newTab(t)
	two := one.another()
	one.open(w.request("state", "one"))
	two.open(w.request("state", "two", "scope", "openid profile"))
	one.signIn(username, password)
	two.signIn(username, password)
	for tab, state := range map[*tab]string{one: "one", two: "two"} {
		if strings.HasPrefix(tab.at(), w.issuer+"/consent") {
			tab.press(button("decision", "allow"))
		}
		if got := w.answered(tab); got.Get("state") != state || got.Get("code") == "" {
			t.Errorf("tab %s: %v", state, got)
		}
	}
}

func TestPG14_PagesWorkWithoutScripts(t *testing.T) {
	w := newWorld(t, "")
	b := newTab(t)
	b.withoutScripts()
	b.open(w.request("response_mode", "form_post"))
	b.signIn(username, password)
	b.press(button("decision", "allow"))
	b.press(`main form button`)
	b.do(chromedp.WaitReady(chromedp.CSS("body")))
	if at := b.at(); !strings.HasPrefix(at, w.app+"/callback") {
		t.Errorf("at %s", at)
	}
}

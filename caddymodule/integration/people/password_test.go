package people

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The person of the database, and what they sign in with next.
const (
	member       = "alice"
	memberFirst  = "four words in a row"
	memberSecond = "another five words in a row"
)

// members are lines of a realm whose people are in the database.
const members = `
	authentication members store
	default_authentication members`

// operator sends a document to the admin API.
func (w *world) operator(method, path, document string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.admin+path, strings.NewReader(document))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if status := w.answer(req, nil); status/100 != 2 {
		w.t.Fatalf("%s %s is answered with %d", method, path, status)
	}
}

func (w *world) addMember() {
	w.t.Helper()
	w.operator(http.MethodPost, "/oauth2/users", `{"id": "`+member+`", "username": "`+member+`", "password": "`+memberFirst+`"}`)
}

func TestAS63_ChangingThePassword(t *testing.T) {
	w := newWorld(t, members)
	w.addMember()
	account := w.issuer + "/account"
	b, elsewhere := newTab(t), newTab(t)
	for _, b := range []*tab{b, elsewhere} {
		b.open(account)
		b.signIn(member, memberFirst)
	}
	b.press(action("change_password"))
	b.accessible("changing the password")
	for _, test := range []struct{ current, chosen, again, says string }{
		{"wrong", memberSecond, memberSecond, "The current password is wrong."},
		{memberFirst, "short", "short", "This password is too short."},
		{memberFirst, memberSecond, memberFirst, "The two new passwords differ."},
		{memberFirst, memberSecond, memberSecond, "Your password has been changed."},
	} {
		b.fill("current", test.current)
		b.fill("password", test.chosen)
		b.fill("again", test.again)
		b.press(submit)
		b.wants(test.says)
		b.accessible("the password, " + test.says)
	}
	// All that came of the old one is over, this browser's session too.
	b.press(`main a`)
	b.signIn(member, memberSecond)
	b.wants("Your account")
	elsewhere.do(chromedp.Reload())
	elsewhere.signIn(member, memberFirst)
	elsewhere.wants("Wrong username or password.")
	elsewhere.signIn(member, memberSecond)
	elsewhere.wants("Your account")
}

// Whom an operator disables is out at once, with whatever came of it.
func TestADisabledAccount(t *testing.T) {
	w := newWorld(t, members)
	w.addMember()
	b := newTab(t)
	b.open(w.request())
	b.signIn(member, memberFirst)
	b.press(button("decision", "allow"))
	got := w.redeem(b)
	b.open(w.issuer + "/account")
	w.operator(http.MethodPut, "/oauth2/users/"+member, `{"username": "`+member+`", "disabled": true}`)
	if status := w.called(got); status != http.StatusUnauthorized {
		t.Errorf("the API answers %d", status)
	}
	b.press(action("revoke_all_applications"))
	b.wants("to manage your account")
	b.signIn(member, memberFirst)
	b.wants("Wrong username or password.")
}

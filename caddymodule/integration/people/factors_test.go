package people

import (
	"strings"
	"testing"
)

// An app and a passkey that nobody has asked for: added on the account page, asked
// for from then on, and taken away there.
func TestFactorsOnTheAccountPage(t *testing.T) {
	w := newWorld(t, "")
	account := w.issuer + "/account"
	b := newTab(t)
	d := b.device()
	b.withoutOffers()
	b.open(account)
	b.signIn(username, password)
	b.wants("You sign in with a password alone.")

	b.press(action("add_totp"))
	b.wants("Set up your authenticator app", username)
	b.accessible("an app on the account page")
	b.press(button("skip", "skip"))
	b.wants("You sign in with a password alone.")
	b.press(action("add_totp"))
	app, codes := b.enrol()
	b.accessible("recovery codes on the account page")
	b.press(submit)
	b.wants("Your account", "Authenticator app", "10 recovery codes are left.")

	// Who knows the password alone must not add what they would be asked for.
	b.press(action("add_passkey"))
	b.signIn(username, password)
	b.wants("Confirm that it is you")
	b.enter("code", app.code())
	b.press(action("add_passkey"))
	b.wants("Add a passkey", username)
	b.accessible("a passkey on the account page")
	b.fill("label", hostileName[:60])
	b.press(addPasskey)
	b.wants("The sign-in method has been added.", "Passkey – <img src=x", "10 recovery codes are left.")
	b.unharmed("the name of a passkey")
	b.accessible("account with an app and a passkey")
	if d.passkeys() != 1 {
		t.Errorf("the device keeps %d passkeys", d.passkeys())
	}

	other := newTab(t)
	other.open(account)
	other.signIn(username, password)
	other.recover(codes[0])
	other.wants("9 recovery codes are left.")
	other.press(action("recovery_codes"))
	other.wants("Your recovery codes")
	if strings.Contains(other.text(), codes[1]) {
		t.Error("the new recovery codes are the old")
	}
	other.press(submit)
	other.wants("10 recovery codes are left.")

	for range 2 {
		other.press(action("remove_factor"))
		other.wants("The sign-in method has been removed.")
	}
	other.wants("You sign in with a password alone.")
	b = newTab(t)
	b.open(account)
	b.signIn(username, password)
	b.wants("Your account")
}

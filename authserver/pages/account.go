package pages

import "time"

// Account is the page on which people see and end what they have allowed. Each
// button is a field action with one of the values of Action, and a field id.
type Account struct {
	Form
	// Name is who is signed in; Subject is the id that applications know.
	Name, Subject string
	Sessions      []AccountSession
	Applications  []AccountApplication
	Factors       []AccountFactor
	// RecoveryCodes is how many are left.
	RecoveryCodes int
	// CanChangePassword, CanAddTOTP and CanAddPasskey say what there are buttons for.
	CanChangePassword, CanAddTOTP, CanAddPasskey bool
}

// AccountSession is one sign-in. Ending it is the action end_session with its id.
type AccountSession struct {
	ID string
	// Current is the one that sees the page.
	Current  bool
	SignedIn time.Time
	// Device is the browser and system in a few words, "" when it is not known;
	// Source is the address it came from.
	Device, Source string
	// Applications are the names of the clients that were used in it.
	Applications []string
}

// AccountApplication is a client that may do something. Taking that back is the
// action revoke_application with its id.
type AccountApplication struct {
	ID, Name string
	Scopes   []string
	Since    time.Time
	// Sessions counts its grants that are alive.
	Grants int
}

// AccountFactor is a second factor or passkey. Removing it is the action
// remove_factor with its id.
type AccountFactor struct {
	ID string
	// Kind is totp or passkey.
	Kind, Label     string
	Added, LastUsed time.Time
}

func (p Account) page() (string, []string) { return "account.html", p.policy() }

// ChangePassword is the page with the fields current, password and again.
type ChangePassword struct {
	Form
	Username string
	// Least is how many characters a password needs.
	Least int
}

func (p ChangePassword) page() (string, []string) { return "password.html", p.policy() }

// SignOut asks whether the user means to sign out. Field: decision, sign_out or
// stay.
type SignOut struct {
	Form
	// ClientName is who asks, "" when nobody does; Account is who is signed in.
	ClientName, Account string
}

func (p SignOut) page() (string, []string) { return "sign_out.html", p.policy() }

// SignedOut says that it is done.
type SignedOut struct {
	// ReturnTo leads back to the client, "" when there is nowhere to go.
	ReturnTo, ClientName string
}

func (SignedOut) page() (string, []string) { return "signed_out.html", []string{formAction("'none'")} }

// Device asks for the code that a device shows (RFC 8628 §3.3). Field: user_code.
type Device struct {
	Form
	UserCode string
}

func (p Device) page() (string, []string) { return "device.html", p.policy() }

// DeviceDone says that the device may go on, or may not.
type DeviceDone struct{ Allowed bool }

func (DeviceDone) page() (string, []string) {
	return "device_done.html", []string{formAction("'none'")}
}

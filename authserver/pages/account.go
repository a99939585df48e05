package pages

import (
	"html/template"
	"slices"
	"strings"
	"time"
)

// The values of the field action of the account page. Those about one thing come
// with its id in the field id.
const (
	ActionEndSession     = "end_session"
	ActionEndOthers      = "end_other_sessions"
	ActionRevoke         = "revoke_application"
	ActionRevokeAll      = "revoke_all_applications"
	ActionRemoveFactor   = "remove_factor"
	ActionAddTOTP        = "add_totp"
	ActionAddPasskey     = "add_passkey"
	ActionRecoveryCodes  = "recovery_codes"
	ActionChangePassword = "change_password"
	ActionSignOut        = "sign_out"
)

// Account is the page on which people see and end what they have allowed. Each
// button is a field action with one of the values above.
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

// Others says whether there is a session to end besides the one that sees the page.
func (p Account) Others() bool {
	return slices.ContainsFunc(p.Sessions, func(s AccountSession) bool { return !s.Current })
}

// CodesMatter says whether the account has factors that recovery codes stand in for.
func (p Account) CodesMatter() bool { return p.RecoveryCodes > 0 || len(p.Factors) > 0 }

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
	// Grants counts its grants that are alive.
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
	// Back is the path of the account page, "" for no way back.
	Back string
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
	// Message is why, "" when the user asked for it.
	Message Message
	// ReturnTo leads back to the client, "" when there is nowhere to go.
	ReturnTo, ClientName string
	// Back leads to the account page, "" when nobody came from there.
	Back string
}

// Link is ReturnTo if browsers may follow it: on the web, or in an app with a
// scheme of its own (RFC 8252 §7.1).
func (p SignedOut) Link() template.URL {
	scheme, _, found := strings.Cut(p.ReturnTo, ":")
	if !found || scheme != "https" && scheme != "http" && (!strings.Contains(scheme, ".") || originSource(p.ReturnTo) == "") {
		return ""
	}
	return template.URL(p.ReturnTo) // no scheme that runs scripts has a dot
}

func (p SignedOut) message() Message { return p.Message }

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

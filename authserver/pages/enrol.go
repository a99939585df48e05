package pages

// EnrolTOTP is the page that shows the secret of a one-time code app and asks for
// the first code. Fields: code, and sealed as it is; skip when Skippable.
type EnrolTOTP struct {
	Form
	Account string
	// URI is the otpauth:// address that the QR code holds; Secret is its secret,
	// in groups, for typing.
	URI, Secret string
	// Sealed carries the secret to the next request, so that nothing is kept.
	Sealed string
	// Required says that the user cannot go on without.
	Required bool
}

func (p EnrolTOTP) page() (string, []string) { return "enrol_totp.html", p.policy() }

// EnrolPasskey is the page that makes a passkey. Fields: passkey with what the
// browser made of Options, and label.
type EnrolPasskey struct {
	Form
	Account string
	// Options are those for navigator.credentials.create as JSON.
	Options string
}

func (p EnrolPasskey) page() (string, []string) { return "enrol_passkey.html", p.policy() }

// RecoveryCodes is the page that shows recovery codes, once. Its form has the one
// button Continue.
type RecoveryCodes struct {
	Form
	Codes []string
}

func (p RecoveryCodes) page() (string, []string) { return "recovery_codes.html", p.policy() }

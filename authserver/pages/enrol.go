package pages

import (
	"html/template"
	"strings"
)

// EnrolTOTP is the page that shows the secret of a one-time code app and asks for
// the first code. Fields: code, and sealed as it is; skip when not Required.
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

// QR is the QR code of the URI as SVG, "" for a URI that is too long for one.
func (p EnrolTOTP) QR() template.HTML { return qrCode(p.URI) }

// Link is the URI as a link to the app on the same device, "" for another URI.
func (p EnrolTOTP) Link() template.URL {
	if !strings.HasPrefix(p.URI, "otpauth://totp/") {
		return ""
	}
	return template.URL(p.URI) // the scheme cannot run scripts, and the attribute is still escaped
}

// EnrolPasskey is the page that makes a passkey. Fields: passkey with what the
// browser made of Options, and label.
type EnrolPasskey struct {
	Form
	Account string
	// Options are those for navigator.credentials.create as JSON.
	Options string
	// Back is the path of the account page, "" for no way back.
	Back string
}

func (p EnrolPasskey) page() (string, []string) { return "enrol_passkey.html", p.policy() }

func (p EnrolPasskey) script() string { return passkeyScript(p.Options) }

// RecoveryCodes is the page that shows recovery codes, once. Its form has the one
// button Continue.
type RecoveryCodes struct {
	Form
	Codes []string
}

func (p RecoveryCodes) page() (string, []string) { return "recovery_codes.html", p.policy() }

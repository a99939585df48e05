package pages

// Message is something that a page says, "" for nothing. Each is a key of the
// catalogs of every language.
type Message string

// What is said about a sign-in. Unknown users, wrong passwords, locked and
// disabled accounts are told the same (PG16).
const (
	WrongCredentials Message = "wrong_credentials"
	NoCredentials    Message = "no_credentials"
	StaleForm        Message = "stale_form"
	// TooManyAttempts is told whoever tries too often, whether or not there is such
	// an account.
	TooManyAttempts Message = "too_many_attempts"
	WrongCode       Message = "wrong_code"
	PasskeyFailed   Message = "passkey_failed"
	// ElsewhereFailed is a sign-in at another site that did not succeed.
	ElsewhereFailed Message = "elsewhere_failed"
)

// What is said about an account.
const (
	Saved           Message = "saved"
	SignedOutThere  Message = "signed_out_there"
	AccessTaken     Message = "access_taken"
	FactorAdded     Message = "factor_added"
	FactorRemoved   Message = "factor_removed"
	PasswordChanged Message = "password_changed"
	PasswordShort   Message = "password_short"
	PasswordCommon  Message = "password_common"
	PasswordsDiffer Message = "passwords_differ"
)

// What Failure says.
const (
	CannotAnswer Message = "cannot_answer"
	TryAgain     Message = "try_again"
	FormExpired  Message = "form_expired"
	FormUsed     Message = "form_used"
	NotSignedIn  Message = "not_signed_in"
)

// english are the messages.
var english = map[Message]string{
	WrongCredentials: "Wrong username or password.",
	NoCredentials:    "Enter your username and your password.",
	StaleForm:        "This form has expired. Please sign in again, and allow cookies for this site.",
	TooManyAttempts:  "Too many attempts. Please wait a little and try again.",
	WrongCode:        "This code is not right. Use the newest one.",
	PasskeyFailed:    "The passkey could not be used. Please try again.",
	ElsewhereFailed:  "The sign-in at the other site did not succeed.",

	Saved:           "Saved.",
	SignedOutThere:  "Signed out.",
	AccessTaken:     "The application has no access any more.",
	FactorAdded:     "Added.",
	FactorRemoved:   "Removed.",
	PasswordChanged: "Your password has been changed.",
	PasswordShort:   "This password is too short.",
	PasswordCommon:  "This password is one that many people use. Choose another.",
	PasswordsDiffer: "The two passwords differ.",

	CannotAnswer: "This request cannot be answered",
	TryAgain:     "Please try again",
	FormExpired:  "This form has expired. Please go back to the application and start again.",
	FormUsed:     "This form was already used. Your decision has been sent to the application. If it did not arrive there, please go back to the application and start again.",
	NotSignedIn:  "You are not signed in.",
}

// Text is the message in English.
func (m Message) Text() string { return english[m] }

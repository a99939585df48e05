package pages

// Message is something that a page says, "" for nothing. Each is a key of the
// catalogs of every language, with "message." before it; what to do about it
// stands under the same key with ".help" after it.
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
	PasswordWrong   Message = "password_wrong"
	PasswordShort   Message = "password_short"
	PasswordCommon  Message = "password_common"
	PasswordLong    Message = "password_long"
	// PasswordUnprintable is one that has what cannot be typed everywhere.
	PasswordUnprintable Message = "password_unprintable"
	PasswordsDiffer     Message = "passwords_differ"
)

// What Failure says.
const (
	CannotAnswer Message = "cannot_answer"
	TryAgain     Message = "try_again"
	FormExpired  Message = "form_expired"
	FormUsed     Message = "form_used"
)

// good are the messages that something went well.
var good = map[Message]bool{
	Saved: true, SignedOutThere: true, AccessTaken: true, FactorAdded: true, FactorRemoved: true, PasswordChanged: true,
}

// fields are the form fields that a message is about.
var fields = map[Message][]string{
	WrongCredentials:    {"username", "password"},
	NoCredentials:       {"username", "password"},
	WrongCode:           {"code"},
	PasswordWrong:       {"current"},
	PasswordShort:       {"new"},
	PasswordCommon:      {"new"},
	PasswordLong:        {"new"},
	PasswordUnprintable: {"new"},
	PasswordsDiffer:     {"again"},
}

package audit

import (
	"maps"
	"slices"
)

// Event names what happened. The enumeration only grows: names are for alerts
// and reports to rely on.
type Event string

// Sign-in and consent.
const (
	// SignIn is a user who signed in, on the page, by /json/authenticate or by the
	// password grant.
	SignIn Event = "sign_in"
	// SignInFailed is a sign-in that was refused. It has a subject only when there
	// is such an account: people type passwords where names belong.
	SignInFailed Event = "sign_in_failed"
	// SessionEnded is a session that is over before its time.
	SessionEnded Event = "session_ended"
	// AccountLocked and AccountUnlocked are accounts that may not, and again may,
	// sign in.
	AccountLocked   Event = "account_locked"
	AccountUnlocked Event = "account_unlocked"
	// FactorAdded and FactorRemoved are second factors and passkeys of an account.
	FactorAdded   Event = "factor_added"
	FactorRemoved Event = "factor_removed"
	// RecoveryCodesMade is new recovery codes in place of the old ones;
	// RecoveryCodeUsed is one that took the place of a second factor.
	RecoveryCodesMade Event = "recovery_codes_made"
	RecoveryCodeUsed  Event = "recovery_code_used"
	// PasskeyCloneSuspected is a passkey whose counter went back: it signed nobody in.
	PasskeyCloneSuspected Event = "passkey_clone_suspected"
	// ConsentGiven, ConsentDenied and ConsentRevoked are what a user decided about
	// a client.
	ConsentGiven   Event = "consent_given"
	ConsentDenied  Event = "consent_denied"
	ConsentRevoked Event = "consent_revoked"
)

// Tokens.
const (
	// ClientAuthFailed is a client that did not prove who it is. It has a client
	// id only when there is such a client.
	ClientAuthFailed Event = "client_auth_failed"
	// CodeIssued is an authorization code that was given out.
	CodeIssued Event = "code_issued"
	// TokenIssued is the first tokens of a grant, or a token of a client's own.
	TokenIssued Event = "token_issued"
	// TokenRefreshed is the tokens that a refresh token was used for.
	TokenRefreshed Event = "token_refreshed"
	// RefreshGrace is TokenRefreshed for a retry within the grace period.
	RefreshGrace Event = "refresh_grace"
	// RefreshReuse is a refresh token that was used again after it had been
	// replaced; its grant is over.
	RefreshReuse Event = "refresh_reuse"
	// CodeReplay is a code that was used twice; its grant is over.
	CodeReplay Event = "code_replay"
	// PKCEFailed is a code whose client did not hold the authorization request
	// that the code came of; its grant is over.
	PKCEFailed Event = "pkce_failed"
	// AdminTokenIssued is a token that an operator had made.
	AdminTokenIssued Event = "admin_token_issued"
)

// Revocations: what was ended, and the actor says by whom.
const (
	TokenRevoked   Event = "token_revoked"
	GrantRevoked   Event = "grant_revoked"
	SubjectRevoked Event = "subject_revoked"
	ClientRevoked  Event = "client_revoked"
	SessionRevoked Event = "session_revoked"
	// DenialAdded and DenialRemoved are entries of the deny-list.
	DenialAdded   Event = "denial_added"
	DenialRemoved Event = "denial_removed"
)

// What operators and the server itself change.
const (
	KeyCreated  Event = "key_created"
	KeyPromoted Event = "key_promoted"
	KeyRetired  Event = "key_retired"
	KeyRemoved  Event = "key_removed"
	// EncryptionKeyRewrapped is private keys that were wrapped with a new
	// encryption key.
	EncryptionKeyRewrapped Event = "encryption_key_rewrapped"

	ClientCreated       Event = "client_created"
	ClientChanged       Event = "client_changed"
	ClientDeleted       Event = "client_deleted"
	ClientSecretAdded   Event = "client_secret_added"
	ClientSecretRemoved Event = "client_secret_removed"
	RealmSwitched       Event = "realm_switched"
	RealmExported       Event = "realm_exported"
	RealmImported       Event = "realm_imported"

	BackupMade     Event = "backup_made"
	BackupRestored Event = "backup_restored"
	// RecordsLost is records that the store could not be given in time. The log
	// has them.
	RecordsLost Event = "audit_records_lost"
)

// Users of the store.
const (
	UserCreated Event = "user_created"
	// UserChanged is a user with another name or other claims; one that was disabled
	// or enabled with it is told as that alone.
	UserChanged  Event = "user_changed"
	UserDisabled Event = "user_disabled"
	UserEnabled  Event = "user_enabled"
	UserDeleted  Event = "user_deleted"
	// PasswordChanged is another password, by the user or an operator.
	PasswordChanged Event = "password_changed"
)

// Outcome is how an event went.
type Outcome string

const (
	// Success is something that was done.
	Success Outcome = "success"
	// Denied is something that whoever may decide did not want.
	Denied Outcome = "denied"
	// Failure is something that did not hold, or should not have been tried.
	Failure Outcome = "failure"
)

// outcomes has every event, with how it went unless its record says otherwise.
var outcomes = map[Event]Outcome{
	SignIn: Success, SignInFailed: Failure, SessionEnded: Success,
	AccountLocked: Failure, AccountUnlocked: Success,
	FactorAdded: Success, FactorRemoved: Success, RecoveryCodesMade: Success, RecoveryCodeUsed: Success, PasskeyCloneSuspected: Failure,
	ConsentGiven: Success, ConsentDenied: Denied, ConsentRevoked: Success,
	ClientAuthFailed: Failure, CodeIssued: Success, TokenIssued: Success, TokenRefreshed: Success,
	RefreshGrace: Success, RefreshReuse: Failure, CodeReplay: Failure, PKCEFailed: Failure, AdminTokenIssued: Success,
	TokenRevoked: Success, GrantRevoked: Success, SubjectRevoked: Success, ClientRevoked: Success, SessionRevoked: Success,
	DenialAdded: Success, DenialRemoved: Success,
	KeyCreated: Success, KeyPromoted: Success, KeyRetired: Success, KeyRemoved: Success, EncryptionKeyRewrapped: Success,
	ClientCreated: Success, ClientChanged: Success, ClientDeleted: Success,
	ClientSecretAdded: Success, ClientSecretRemoved: Success,
	UserCreated: Success, UserChanged: Success, UserDisabled: Success, UserEnabled: Success, UserDeleted: Success, PasswordChanged: Success,
	RealmSwitched: Success, RealmExported: Success, RealmImported: Success,
	BackupMade: Success, BackupRestored: Success, RecordsLost: Failure,
}

// Events are all events, by name.
func Events() []Event { return slices.Sorted(maps.Keys(outcomes)) }

// Known says whether an event is one of the enumeration.
func (e Event) Known() bool { return outcomes[e] != "" }

// Outcome is how an event goes unless its record says otherwise.
func (e Event) Outcome() Outcome { return outcomes[e] }

// ByStrangers says whether somebody who has shown nothing can cause the event,
// and so a flood of it. Of those, logs keep a bounded number.
func (e Event) ByStrangers() bool {
	return e == SignInFailed || e == ClientAuthFailed || e == AccountLocked
}

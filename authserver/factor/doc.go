// Package factor keeps what people sign in with besides a password: one-time
// codes of an app (RFC 6238), recovery codes, and passkeys (Web Authentication
// Level 3), of the accounts of one realm.
//
// It draws no page and counts no failures: callers limit how often somebody may
// try. Nothing is kept between the steps of an enrolment or a sign-in, for what
// must travel comes back sealed by the caller, or authenticated inside the
// challenge of a passkey.
package factor

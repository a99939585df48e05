// Package keys is the keys of a realm: which one signs now, which ones verify,
// and the symmetric keys that seal access tokens and authenticate refresh
// tokens and forms.
//
// It makes the keys that are missing, keeps them in the store wrapped by the
// operator's key, which lives outside the database, and publishes the public
// ones as a JWK set. What is signed or sealed with them is the business of
// package token.
package keys

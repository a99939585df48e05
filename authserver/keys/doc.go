// Package keys is the keys of a realm: which one signs now, which ones verify,
// and the symmetric keys that seal access tokens and authenticate refresh
// tokens and forms.
//
// It makes the keys that are missing, keeps them in the store wrapped by the
// operator's key, which lives outside the database, and publishes the public
// ones as a JWK set. A key is next, active, retiring and at last retired: others
// know it before it makes anything, and accept what it has made until nothing of
// that can be alive. A Ring is a realm's keys as they are now; what is due next
// is for rotation.go to say, and for the store to decide among nodes. A private
// key may also be External: in a file or a key service, and never in the store.
// What is signed or sealed with all of them is the business of package token.
package keys

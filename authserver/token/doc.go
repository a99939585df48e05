// Package token makes and opens the tokens of one realm: access tokens as JWTs
// or sealed texts, refresh tokens, codes, ID tokens and logout tokens. It also keeps in memory
// what has been revoked: tokens, grants, and all of a subject, client, session or
// consent up to a time.
//
// No token is ever stored: a text is good when its signature, seal or MAC under
// the realm's keys says so. Whether the grant behind it is still alive is asked
// of the store by others, and who may have which token is decided in package
// grants and package authorize.
package token

// Package endpoint holds the endpoints beside the front channel and the token
// endpoint, one file each: introspection, revocation, userinfo, metadata, key
// set, and the sign-in of /json/authenticate.
//
// Each constructor takes a realm and gives an http.Handler that reads its
// request, asks the realm and writes the answer. Which path leads to which
// handler, and who may read it from a browser, is decided by authserver.
package endpoint

// Package login says who the resource owner is: authentication services that know
// accounts, how sure a sign-in is, and the sessions that remember it.
//
// It owns what a service is and what it may do besides (Passwords, Redirects,
// Bound, Watched), three of them (users in a file, in the store, and chains of
// others), what a password has to be that somebody chooses, the limits within
// which passwords and codes may be tried, and how session cookies are made, found
// and ended. Services that ask somebody else are packages below this one. What a
// session may do, which service a request uses, counting what was tried, cookies
// as HTTP knows them and the pages that ask for a password belong to others.
package login

// Package signin signs people in at a browser: a password, a passkey or another
// site first, then a second factor where the realm, the request or the account
// asks for one, or the making of one where it is missing. It ends in a session.
//
// What somebody signs in for is an Errand: an authorization request, or the
// account page. Its query is in the address of each page and read anew at each
// step. What was proven so far travels sealed in a cookie, bound to the browser
// and the errand; nothing is kept here.
//
// Which step comes next is a pure function (next.go). What the pages look like is
// package pages', who a password belongs to is package login's and the realm's,
// and codes and passkeys are package factor's.
package signin

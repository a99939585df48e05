// Package oidc signs people in with another OpenID provider: an authentication
// service that sends the browser there and takes the code that it comes back with.
//
// It owns what is said to the provider and what is believed of its answers: its
// metadata and keys, the authorization request, the exchange of the code, the ID
// token and userinfo, and which of its claims become those of an account here.
// Nothing is kept between departure and arrival but what the browser keeps sealed.
// The endpoint that the browser comes back to, its cookie and the pages belong to
// others.
//
// A provider cannot be asked about an account later on. What it said at the last
// sign-in is remembered in the store, and counts for as long as the settings say;
// then the account must sign in there again.
package oidc

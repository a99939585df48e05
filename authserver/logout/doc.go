// Package logout is signing out: the endpoint to which clients send people who
// sign out, and the telling of the other clients of their session.
//
// What a session takes with it is the store's to know (RevokeAll), which also
// writes down who is to be told. What the pages look like is package pages', and
// where the server may call is package outbound's.
package logout

// Package registration is how an operator describes a client: the document, the
// rules that it must keep, and what comes of it in a realm.
//
// The same document stands in Caddy's configuration, in the store, in the admin
// API and in what is exported. It is what the operator wrote and no more: what it
// leaves out is the realm's to say, each time that the client is used. Resolve
// lays it over the realm's defaults and gives a store.Client, in which nothing is
// left open; Check says whether that client can work in the realm, and may.
//
// Everything here is a pure function. Where clients come from, and who fills in
// the placeholders of their secrets, is for others to know.
package registration

// Package realmfile is the document that a realm is exported to and imported
// from: its clients of the store, its switches and what its users have agreed to.
//
// It holds no secret that could be used: of secrets there are digests, which
// every installation verifies whatever its encryption key. Keys, tokens and
// sessions are no part of it. What stands in it is sorted, so that two exports
// can be compared. Everything here is a pure function.
package realmfile

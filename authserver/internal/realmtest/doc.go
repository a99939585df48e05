// Package realmtest builds a realm to test protocol endpoints against: real
// keys, tokens and a real SQLite store, with users, clock and observer that the
// test holds in its hand, and a store that fails on command.
//
// It is for tests alone.
package realmtest

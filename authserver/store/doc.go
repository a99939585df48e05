// Package store says what the authorization server remembers: the domain types
// and Store, the interface of the atomic steps that change them, in parts by
// noun: Clients, Keys, Revocations, ….
//
// Each step is named by what it means, not by a table, and is one decision: of
// two callers that race for one row exactly one wins, on one node or many. What
// other nodes must hear of has a position in a log of its kind, which they read
// on from.
// Package storetest proves that for every implementation; sqlstore is the one
// in SQL. Rules that need no memory are in package oauth,
// tokens and keys are made elsewhere: a store sees digests and wrapped keys
// only, so nothing in it can be used from the database alone.
package store

// Package importer reads how other authorization servers export their clients,
// and gives them as registrations of ours: AM of ForgeRock as `realm-config`
// exports, Keycloak as realm files.
//
// What has no counterpart here is never dropped in silence: a note says which
// setting of which client it was, and what to do about it. A client is taken as
// safely as it can be while it goes on working: what is doubtful is left out, with
// a note. Everything is a pure function from a document to a Result; who stores the
// clients checks them against their realm, for that is not known here.
package importer

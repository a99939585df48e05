// Package ldap is an authentication service over an LDAP directory.
//
// It owns connections to the directory (bounded, replaced when they die, failed
// over), how a name that somebody types becomes a DN or a filter in which it is
// only ever a literal, what the directory's result codes mean, and what an entry
// says of a person. A directory that is away, slow or refuses its own reader is a
// fault; it is never a wrong password.
package ldap

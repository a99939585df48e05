// Package realm is what one issuer is at run time: its settings, clients and
// authentication services, bound to its keys, tokens, sessions and store.
//
// It owns what every grant and endpoint asks of a realm: which client, which
// account, which service, is this token alive, mint the tokens of this grant,
// may this client ask once more, may this password or code be tried once more
// (Attempts), and what ends with an account (Accounts). Its Book is what changes
// without a new configuration: the clients and switches of the store.
// It stands between the packages that each know one of those things and the
// ones that speak a protocol or show a page (grants, authorize, endpoint, signin,
// account, logout), so that these need not know each other. HTTP is theirs, not
// ours.
package realm

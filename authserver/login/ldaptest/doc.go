// Package ldaptest gives tests an OpenLDAP of their own: Debian's slapd with
// people, groups, a password policy and TLS, in a temporary directory and on
// loopback. It ends with the test process, however that ends.
//
// Where slapd is not installed tests are skipped, and fail with CI=true.
package ldaptest

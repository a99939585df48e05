// Package hashing compares client secrets and passwords with the digests that
// we keep of them, and bounds what that may cost.
//
// It reads bcrypt and argon2id digests as `caddy hash-password` makes them, and
// makes keyed digests of plain secrets and fast ones of secrets that it has
// generated. Slow hashes run under one semaphore with a short queue, so that a
// flood of sign-ins ends in 503 and not in all of the memory. Unknown names can
// be made to cost what known ones do.
//
// Who has which digest, and what a mismatch means, is decided by packages
// clientauth and login.
package hashing

package hashing

import "github.com/caddy-oauth2/caddy-oauth2/authserver/store"

// Standard is a digest that nobody has the password of, and that costs as much as
// those that Hash makes.
func Standard() store.SecretDigest { return defaultArgon2id.digest() }

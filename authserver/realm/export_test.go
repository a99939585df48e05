package realm

import "github.com/caddy-oauth2/caddy-oauth2/authserver/hashing"

// HashCalls counts the hashes of a kind that the realm's hasher has computed.
func (r *Realm) HashCalls(kind hashing.Kind) int64 { return r.Book.hasher.Calls(kind) }

package introspect

import (
	"crypto/sha256"
	"strings"
)

// entry is one verdict with all that it rests on. Digest and fingerprint are
// compared on every hit; any difference is a miss.
//
// An entry is two pieces of memory, itself and its text, with few pointers in them,
// however much its token says: the garbage collector follows each pointer of tens of
// thousands of tokens, again and again.
type entry struct {
	digest      [sha256.Size]byte
	fingerprint uint64
	token       Token // it names its issuer, and says until when it is kept
	claims      Claims
	notes       notes
	size        int64 // of its text, in bytes
}

// newEntry makes a copy of a verdict that shares no memory with it but the name of
// the issuer, which all tokens of the issuer share; nil where there can be none.
func newEntry(digest *[sha256.Size]byte, fingerprint uint64, verdict *Token, common *lists) *entry {
	e := &entry{digest: *digest, fingerprint: fingerprint, token: *verdict}
	t, c := &e.token, &e.claims
	t.notes = &e.notes
	if t.Claims != nil {
		if !c.keep(t.Claims) {
			return nil
		}
		t.Claims = c
	}
	t.Scope, t.Audience = common.same(t.Scope), common.same(t.Audience)
	e.size = pack(&t.Subject, &t.ClientID, &t.ID, &t.GrantID, &t.SessionID, &t.Confirmation.Key, &t.Confirmation.Certificate, &c.session, &c.text)
	return e
}

// pack puts texts into one piece of memory, of whose size it tells. What is empty
// is in none.
func pack(texts ...*string) (size int64) {
	var all strings.Builder
	for _, text := range texts {
		size += int64(len(*text))
	}
	all.Grow(int(size))
	for _, text := range texts {
		all.WriteString(*text)
	}
	packed := all.String()
	for _, text := range texts {
		if n := len(*text); n > 0 {
			*text, packed = packed[:n], packed[n:]
		}
	}
	return size
}

// first is the verdict for the request that brought the token: as the cache has it,
// and with the claims decoded.
func (e *entry) first(decoded *Claims) *Token {
	t := e.token
	t.Claims = decoded
	return &t
}

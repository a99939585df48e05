package introspect

import (
	"crypto/sha256"
	"strings"
)

// entry is one verdict with all that it rests on. Digest and fingerprint are
// compared on every hit; any difference is a miss.
//
// An entry is two pieces of memory, itself and its text, and two lists that it mostly
// shares, however much its token says: the garbage collector follows each pointer of
// tens of thousands of tokens, again and again.
type entry struct {
	digest      [sha256.Size]byte
	fingerprint uint64
	token       Token // it names its issuer, and says until when it is kept
	claims      Claims
	notes       notes
	size        int64 // of its text and of lists that it alone has, in bytes
}

// newEntry makes a copy of an issuer's verdict that shares no memory with it; nil
// where there can be none.
func newEntry(digest *[sha256.Size]byte, issuer *Issuer, verdict *Token, lists *sharedLists) *entry {
	e := &entry{digest: *digest, fingerprint: issuer.Fingerprint, token: *verdict}
	t, c := &e.token, &e.claims
	t.entry, t.Issuer = e, issuer.URL // which is the same text, and one for all tokens
	if t.Claims != nil {
		if !c.keep(t.Claims) {
			return nil
		}
		t.Claims = c
	}
	var own [2]int64
	t.Scope, own[0] = lists.shared(t.Scope)
	t.Audience, own[1] = lists.shared(t.Audience)
	e.size = own[0] + own[1] + pack(&t.Subject, &t.ClientID, &t.ID, &t.GrantID, &t.SessionID, &t.Confirmation.Key, &t.Confirmation.Certificate, &c.session, &c.text)
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

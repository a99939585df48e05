package introspect

import (
	"crypto/sha256"
	"strings"
)

// entry is one verdict with all that it rests on. Digest and fingerprint are
// compared on every hit; any difference is a miss.
//
// It is written for the garbage collector, which follows each pointer of tens of
// thousands of tokens again and again: an entry has one to its texts, with its claims
// behind them, one to what it has in common with others, and one to its notes. The
// Token that requests see is written out on each hit, into memory
// of the request.
type entry struct {
	digest      [sha256.Size]byte
	fingerprint uint64

	expires, notBefore, issuedAt, until int64
	generation                          uint64

	common *common
	claims Claims // whose text has entryTexts before it, one behind the other
	ends   [entryTexts]uint32
	bare   bool // the verdict had no claims

	notes notes
	size  int64 // of its texts, and of what it has brought into common, in bytes
}

// entryTexts are a Token's: see texts.
const entryTexts = 8

// texts are those of a token that differ from one to the next.
func (t *Token) texts() [entryTexts]*string {
	return [...]*string{&t.Subject, &t.ClientID, &t.ID, &t.GrantID, &t.SessionID, &t.Confirmation.Key, &t.Confirmation.Certificate, &t.sid}
}

// newEntry makes a copy of an issuer's verdict that shares no memory with it; nil
// where there can be none.
func newEntry(digest *[sha256.Size]byte, issuer *Issuer, verdict *Token, commons *commons) *entry {
	e := &entry{
		digest: *digest, fingerprint: issuer.Fingerprint,
		expires: verdict.Expires, notBefore: verdict.NotBefore, issuedAt: verdict.IssuedAt, until: verdict.Until,
		generation: verdict.Generation, bare: verdict.Claims == nil,
	}
	if !e.bare && !e.claims.keep(verdict.Claims) {
		return nil
	}
	var added int64
	e.common, added = commons.of(common{issuer.URL, verdict.Scope, verdict.Audience})
	e.size = added + e.pack(verdict)
	return e
}

// pack puts the claims and the texts of a verdict into one piece of memory, of whose
// size it tells.
func (e *entry) pack(verdict *Token) (size int64) {
	t := *verdict
	t.sid = verdict.session()
	end := 0
	for i, text := range t.texts() {
		end += len(*text)
		e.ends[i] = uint32(end) //nolint:gosec // its source bounds a verdict, to some 100 KB
	}
	var all strings.Builder
	all.Grow(end + len(e.claims.text))
	for _, text := range t.texts() {
		all.WriteString(*text)
	}
	all.WriteString(e.claims.text)
	e.claims.text, e.claims.start = all.String(), e.ends[entryTexts-1]
	return int64(len(e.claims.text))
}

// unpack writes the verdict into memory of the caller's.
func (e *entry) unpack(into *Token) *Token {
	*into = Token{
		Issuer: e.common.issuer, Scope: e.common.scope, Audience: e.common.audience,
		Expires: e.expires, NotBefore: e.notBefore, IssuedAt: e.issuedAt, Until: e.until, Generation: e.generation,
		Claims: e.keptClaims(), entry: e,
	}
	start := uint32(0)
	for i, text := range into.texts() {
		*text, start = e.claims.text[start:e.ends[i]], e.ends[i]
	}
	return into
}

func (e *entry) keptClaims() *Claims {
	if e.bare {
		return nil
	}
	return &e.claims
}

// first is the verdict for the request that brought the token: as the cache has it,
// and with the claims decoded.
func (e *entry) first(decoded *Claims) *Token {
	t := e.unpack(new(Token))
	t.Claims = decoded
	return t
}

package introspect

import (
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7519 §4.1, RFC 7662 §2.2

// Token is what a good access token says, whoever said so. Requests that carry the
// token share it, or at least its lists, its claims and its notes: nobody may change
// it, other than by Note.
type Token struct {
	// Issuer is the configured issuer that answers for the token.
	Issuer   string
	Subject  string
	ClientID string
	Scope    oauth.Scope
	Audience []string
	// ID is the jti; GrantID and SessionID are set for our own realms.
	ID, GrantID, SessionID string
	// Expires, NotBefore and IssuedAt are unix seconds; the latter two are 0 when
	// not given.
	Expires, NotBefore, IssuedAt int64
	// Until is when the verdict has to be asked for again, in unix seconds. 0
	// means that it holds until Expires.
	Until int64
	// Confirmation is what the caller must prove to have.
	Confirmation Confirmation
	Claims       *Claims
	// Generation is the state of the source that the verdict rests on: its key
	// set or its revocations. Sources compare it in Current.
	Generation uint64

	entry *entry // nil for a verdict that was offered to no cache
	sid   string // session, of one that was
}

// until is when the cache must forget the token. Routes differ in leeway, so
// expiry itself stays with check.
func (t *Token) until() int64 {
	if t.Until != 0 {
		return t.Until
	}
	return t.Expires + int64(MaxLeeway/time.Second)
}

// Dated says whether the issuer told when the token expires. Where it did not,
// Expires is how long its answer may be used (RFC 7662 §2.2).
func (t *Token) Dated() bool { return t.Claims.isDated() }

// Bound says whether the token names something that its caller must prove to have.
func (t *Token) Bound() bool { return t.Claims.isBound() }

// session is the claim sid, whoever issued the token; "" for none.
func (t *Token) session() string {
	if t.entry != nil {
		return t.sid
	}
	sid, _ := oauth.StringMember(t.Claims.All(), "sid")
	return sid
}

// Kept is the token as a cache holds it, whose claims are text, for who keeps it for
// long: the request that brings a token has them decoded. It is the token itself where
// it is so already, and where no cache was offered it.
func (t *Token) Kept() *Token {
	if t.entry == nil || t.Claims == t.entry.keptClaims() {
		return t
	}
	return t.entry.unpack(new(Token))
}

// issuedLater says whether the token claims to come from the future, by clocks
// that may be leeway seconds apart.
func (t *Token) issuedLater(now, leeway int64) bool { return t.IssuedAt > now+leeway }

package introspect

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"time"
)

// RFC 9449 §8 and §9

// nonces makes the nonces that DPoP proofs must bear. None is stored: a nonce is
// the MAC of the span of time that it was given out in, under a key that all
// nodes share and nobody else knows.
type nonces struct {
	key      []byte
	origin   string
	lifetime time.Duration
}

// at is the nonce that is given out at a moment.
func (n nonces) at(moment time.Time) string {
	mac := hmac.New(sha256.New, n.key)
	seconds := int64(n.lifetime / time.Second)
	_, _ = fmt.Fprintf(mac, "dpop nonce %q %d %d", n.origin, seconds, moment.Unix()/seconds)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:24])
}

// check says whether a nonce is of this span of time or the one before, or of
// the next on a node whose clock is ahead. lasts is false for the one before: it
// ends with this span, so the client should have a newer one (RFC 9449 §8.2).
func (n nonces) check(nonce string, now time.Time, leeway time.Duration) (good, lasts bool) {
	is := func(moment time.Time) bool {
		return subtle.ConstantTimeCompare([]byte(nonce), []byte(n.at(moment))) == 1
	}
	if is(now) || is(now.Add(leeway)) {
		return true, true
	}
	return is(now.Add(-n.lifetime)), false
}

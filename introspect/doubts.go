package introspect

import (
	"crypto/sha256"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 7515 §4.1.4

// maxDoubts bounds what is remembered beside one key set.
const maxDoubts = 1024

// doubts are the ways in which tokens failed by one key set after the issuer
// had been asked for a newer one: a kid that it does not know, or a signature
// that its key of that name does not verify. The next such token is refused
// without waiting. They go with the key set.
type doubts struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]struct{}
}

func doubtOf(reason string, jws *oauth.JWS) [sha256.Size]byte {
	return sha256.Sum256([]byte(reason + "\x00" + jws.Algorithm + "\x00" + jws.KeyID))
}

// add remembers one. When there are too many it is not remembered: a flood of
// names then drives out none of the others.
func (d *doubts) add(doubt [sha256.Size]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = map[[sha256.Size]byte]struct{}{}
	}
	if len(d.seen) < maxDoubts {
		d.seen[doubt] = struct{}{}
	}
}

func (d *doubts) have(doubt [sha256.Size]byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, there := d.seen[doubt]
	return there
}

package caddymodule

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 7517 §5 and §8.5, RFC 8615

// assertionKeysPath is where a guarded site publishes the keys that verify its
// identity assertions.
const assertionKeysPath = "/.well-known/identity-assertion/jwks.json"

// publishesAssertionKeys answers a request for the keys of identity assertions,
// and says whether this was one. They are for anyone to read.
func (b *BearerAuth) publishesAssertionKeys(w http.ResponseWriter, r *http.Request) bool {
	if b.Assertion == nil || r.URL.Path != assertionKeysPath {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		wire.Error(w, oauth.MethodNotAllowed(http.MethodGet, http.MethodHead))
		return true
	}
	ring, err := b.upstream.app.assertionKeys(r.Context())
	if err != nil {
		if left, ok := requestLines.allow(lineNoKeys, reasonUnavailable); ok {
			b.log.Error(lineNoKeys, "error", err, "not_logged", left)
		}
		wire.Error(w, oauth.Unavailable(err))
		return true
	}
	document, etag := ring.JWKS()
	serveDocument(w, r, "application/jwk-set+json", etag, document)
	return true
}

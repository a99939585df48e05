package caddymodule

import (
	"bytes"
	"net/http"
	"time"

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
		b.log.Error("cannot publish the keys of identity assertions", "error", err)
		wire.Error(w, oauth.Unavailable(err))
		return true
	}
	document, etag := ring.JWKS()
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document))
	return true
}

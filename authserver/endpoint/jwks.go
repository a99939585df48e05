package endpoint

import (
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// RFC 7517 §5 and §8.5

// JWKS publishes the public keys that verify the realm's tokens: the active, the
// next and the retiring ones.
func JWKS(r *realm.Realm) http.Handler {
	return handle(r, "connect/jwk_uri", func(w http.ResponseWriter, req *http.Request) error {
		document, etag := r.Keys.JWKS()
		return writePublic(w, req, "application/jwk-set+json", etag, document)
	})
}

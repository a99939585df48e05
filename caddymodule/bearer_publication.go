package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/keys"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/wire"
)

// RFC 9110 §8.8.3, RFC 9111 §5.2.2

// publicationLifetime is how long clients may keep what a bearer_auth publishes.
var publicationLifetime = fmt.Sprintf("public, max-age=%d", int(keys.CacheTime.Seconds()))

// publication is a document and where it is found.
type publication struct {
	path, etag string
	document   []byte
}

func newPublication(path string, document []byte) *publication {
	digest := sha256.Sum256(document)
	return &publication{path: path, etag: `"` + hex.EncodeToString(digest[:16]) + `"`, document: document}
}

// serve gives the document to everybody, scripts of other sites included.
func (p *publication) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		serveDocument(w, r, "application/json", p.etag, p.document)
	case http.MethodOptions:
		// MCP clients in browsers send a header of their own, and so ask first.
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// serveDocument writes a document that may be kept for a while.
func serveDocument(w http.ResponseWriter, r *http.Request, mediaType, etag string, document []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", publicationLifetime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", etag)
	wire.Content(w, r, document)
}

package wire

import (
	"net/http"
	"strings"
)

// corsHeaders are what scripts may send. Those of MCP clients name the version
// of their protocol in whatever they ask for, metadata included.
const corsHeaders = "Authorization, Content-Type, MCP-Protocol-Version"

// CORS lets scripts of allowed web origins call an endpoint with methods, and
// answers their preflight requests. Credentials are never allowed: nothing
// behind it reads a cookie. The authorization endpoint and the pages must not
// be wrapped (AS16, RFC 9700 §2.6).
func CORS(next http.Handler, allowed func(origin string) bool, methods ...string) http.Handler {
	list := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		// Without an Origin too, or a cache would give that answer to a script.
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		if allowed(origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			if allowed(origin) {
				h.Set("Access-Control-Allow-Methods", list)
				h.Set("Access-Control-Allow-Headers", corsHeaders)
				h.Set("Access-Control-Max-Age", "600")
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// AnyOrigin is for documents that are public anyway: metadata and key sets.
func AnyOrigin(string) bool { return true }

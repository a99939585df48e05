package wire

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/internal/failpoint"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// JSON writes an answer that nobody may cache (RFC 6749 §5.1).
func JSON(w http.ResponseWriter, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		Error(w, oauth.NewError(oauth.CodeServerError, "The answer could not be written.").WithCause(err))
		return
	}
	NoStore(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	failpoint.PassWriting(failpoint.InAnswer, w, body)
	_, _ = w.Write(append(body, '\n'))
}

// NoStore forbids caching.
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

// errorDocument is the error answer of RFC 6749 §5.2.
type errorDocument struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Error writes err as the RFCs' error document. Anything that is not an
// *oauth.Error is our own fault: 503, never the caller's (AS61).
func Error(w http.ResponseWriter, err error) {
	e := oauth.AsError(err)
	if e.Challenge != "" {
		w.Header().Set("WWW-Authenticate", e.Challenge)
	}
	Hints(w.Header(), e)
	JSON(w, e.Status, errorDocument{Error: e.Code, Description: e.Description})
}

// Hints are the headers that say how to do better: when to try again, and by which
// methods (RFC 9110 §10.2). They go with an error whatever its body is.
func Hints(h http.Header, e *oauth.Error) {
	RetryAfter(h, e.RetryAfter)
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
}

// RetryAfter says when to try again, in whole seconds that are not too few; nothing
// for 0.
func RetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

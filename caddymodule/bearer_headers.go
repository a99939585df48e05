package caddymodule

import (
	"io"
	"net/http"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9110 §5 and §7.6.1

// The headers that tell the upstream who calls. No client can send them.
const (
	headerSubject  = "X-Auth-Subject"
	headerClientID = "X-Auth-Client-Id"
	headerScope    = "X-Auth-Scope"
	headerIssuer   = "X-Auth-Issuer"
)

const (
	maxIdentityValue = 4 << 10
	maxIdentityTotal = 8 << 10
)

var (
	// identityGuard is what every request loses first, whatever is decided of it
	// later (RS17). Proxy is there because CGI makes HTTP_PROXY of it
	// (CVE-2016-5385).
	identityGuard = newGuard(headerSubject, headerClientID, headerScope, headerIssuer, "Proxy")

	// overrideGuard is what could make the upstream act on another method or
	// path than the one that the rules judged (RS37).
	overrideGuard = newGuard(
		"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Forwarded-Method",
		"X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-URI",
	)
)

// guard is a set of header names in folded form. CGI, PHP and their like make
// one name of X-Auth-Subject, x_auth_subject and X.Auth.Subject, some of any
// character that is not a letter or a digit; so does the guard.
type guard []string

func newGuard(names ...string) guard {
	g := make(guard, len(names))
	for i, name := range names {
		folded := make([]byte, len(name))
		for j := range len(name) {
			folded[j] = foldByte(name[j])
		}
		g[i] = string(folded)
	}
	return g
}

func foldByte(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + ('a' - 'A')
	case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		return c
	default:
		return '-'
	}
}

// has says whether name is one of the set in any spelling.
func (g guard) has(name string) bool {
	for _, folded := range g {
		if len(folded) == len(name) && foldsTo(name, folded) {
			return true
		}
	}
	return false
}

func foldsTo(name, folded string) bool {
	for i := range len(name) {
		if foldByte(name[i]) != folded[i] {
			return false
		}
	}
	return true
}

// strip deletes every spelling of every name of the set.
func (g guard) strip(h http.Header) {
	for name := range h {
		if g.has(name) {
			delete(h, name)
		}
	}
}

// stripForged takes off a request everything that could make an upstream see
// an identity that we did not put there, or miss one that we did: the headers
// themselves, trailers of the same names, and their mention in Connection.
func stripForged(r *http.Request) {
	identityGuard.strip(r.Header)
	stripConnection(r.Header)
	// net/http has moved what counts into r.Trailer; what is left here means
	// nothing to us but could to an upstream.
	delete(r.Header, "Trailer")
	if r.Trailer != nil {
		identityGuard.strip(r.Trailer)
		r.Body = &trailerGuard{ReadCloser: r.Body, trailer: r.Trailer}
	}
}

// stripConnection leaves in Connection only what is about the connection itself,
// and takes off the request what else it names. A proxy deletes what Connection
// names (RFC 9110 §7.6.1), and it would do so after us: with the headers that we
// or other handlers have put on meanwhile.
func stripConnection(h http.Header) {
	values := h["Connection"]
	if len(values) == 0 || len(values) == 1 && ofConnection(values[0]) {
		return
	}
	var kept []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.Trim(name, " \t")
			switch {
			case ofConnection(name):
				kept = append(kept, name)
			case strings.EqualFold(name, "Authorization"), strings.EqualFold(name, "DPoP"):
				// Ours to judge, whatever the client says.
			default:
				delete(h, http.CanonicalHeaderKey(name))
			}
		}
	}
	delete(h, "Connection")
	if len(kept) > 0 {
		h["Connection"] = []string{strings.Join(kept, ", ")}
	}
}

// ofConnection says whether an option of Connection is about the connection.
func ofConnection(option string) bool {
	return strings.EqualFold(option, "close") || strings.EqualFold(option, "keep-alive") ||
		strings.EqualFold(option, "upgrade") || strings.EqualFold(option, "te")
}

// trailerGuard strips trailers once they are there: net/http adds all that
// arrive to the map when any was announced, and only at the end of the body.
type trailerGuard struct {
	io.ReadCloser
	trailer http.Header
}

// Read implements io.Reader.
func (t *trailerGuard) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		identityGuard.strip(t.trailer)
	}
	return n, err
}

// setIdentity puts the identity of a token on a request. A claim that the
// token does not have gives no header. ok is false when a claim cannot be a
// header at all; nothing is set then.
func setIdentity(h http.Header, token *introspect.Token) (ok bool) {
	names := [...]string{headerSubject, headerClientID, headerScope, headerIssuer}
	values := make([]string, len(names))
	total := 0
	for i, claim := range [...]string{token.Subject, token.ClientID, token.Scope.String(), token.Issuer} {
		if values[i], ok = headerValue(claim); !ok {
			return false
		}
		total += len(values[i])
	}
	if total > maxIdentityTotal {
		return false
	}
	for i, name := range names {
		if values[i] != "" {
			h[name] = values[i : i+1 : i+1]
		}
	}
	return true
}

// headerValue writes a claim so that it is one well-formed header value and so
// that two claims never become the same one: bytes outside printable ASCII,
// spaces at the ends (which HTTP does not keep) and the percent sign itself are
// percent-encoded. CR, LF and NUL are refused, and so is what is too long
// (RS18).
func headerValue(claim string) (value string, ok bool) {
	encoded := 0
	for i := range len(claim) {
		switch c := claim[i]; {
		case c == '\r' || c == '\n' || c == 0:
			return "", false
		case mustEncode(claim, i):
			encoded++
		}
	}
	if len(claim)+2*encoded > maxIdentityValue {
		return "", false
	}
	if encoded == 0 {
		return claim, true
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(claim) + 2*encoded)
	for i := range len(claim) {
		if c := claim[i]; mustEncode(claim, i) {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func mustEncode(claim string, i int) bool {
	c := claim[i]
	if c == ' ' {
		return i == 0 || i == len(claim)-1
	}
	return c == '%' || c < 0x21 || c > 0x7e
}

package caddymodule

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// RFC 9110 §5.1, §6.5 and §7.6.1

var (
	// identityGuard is what every request loses first, whatever is decided of it
	// later (RS17). Proxy is there because CGI makes HTTP_PROXY of it
	// (CVE-2016-5385), HTTP2-Settings because it is good for an upgrade to h2c
	// alone, behind which nobody would look at requests (see stripUpgrade).
	identityGuard = newGuard(headerSubject, headerClientID, headerScope, headerIssuer, "Proxy", "HTTP2-Settings")

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

// without gives the names of the set that are not in other.
func (g guard) without(other guard) guard {
	if len(other) == 0 {
		return g
	}
	var rest guard
	for _, folded := range g {
		if !slices.Contains(other, folded) {
			rest = append(rest, folded)
		}
	}
	return rest
}

// strip takes off a request what g names, unless a bearer_auth before has done
// so already: such a header is ours then, and not the client's.
func (id *identity) strip(r *http.Request, g guard) {
	if g = g.without(id.stripped); len(g) > 0 {
		g.stripForged(r)
		if id.stripped == nil {
			id.stripped = g // as with nearly every request: nothing to copy
		} else {
			id.stripped = slices.Concat(id.stripped, g)
		}
	}
}

// stripForged takes off a request everything that could make an upstream see
// an identity that we did not put there, or miss one that we did: the headers
// themselves, trailers of the same names, and their mention in Connection.
func (g guard) stripForged(r *http.Request) {
	g.strip(r.Header)
	stripConnection(r.Header)
	stripUpgrade(r.Header)
	// net/http has moved what counts into r.Trailer; what is left here means
	// nothing to us but could to an upstream.
	delete(r.Header, "Trailer")
	if r.Trailer != nil {
		g.strip(r.Trailer)
		r.Body = &trailerGuard{ReadCloser: r.Body, guard: g, trailer: r.Trailer}
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

// stripUpgrade takes an upgrade to HTTP/2 off a request. An upstream that agrees
// would read further requests off the connection, past us and our rules. Other
// upgrades, to WebSocket above all, stay.
func stripUpgrade(h http.Header) {
	values := h["Upgrade"]
	if len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "websocket") {
		return
	}
	var kept []string
	for _, value := range values {
		for protocol := range strings.SplitSeq(value, ",") {
			if protocol = strings.Trim(protocol, " \t"); protocol != "" && !isHTTP2(protocol) {
				kept = append(kept, protocol)
			}
		}
	}
	delete(h, "Upgrade")
	if len(kept) > 0 {
		h["Upgrade"] = []string{strings.Join(kept, ", ")}
	}
}

// isHTTP2 says whether a protocol of Upgrade is HTTP/2 in one of its names.
func isHTTP2(protocol string) bool {
	lower := strings.ToLower(protocol)
	return strings.HasPrefix(lower, "h2") || strings.HasPrefix(lower, "http/")
}

// trailerGuard strips trailers once they are there: net/http adds all that
// arrive to the map when any was announced, and only at the end of the body.
type trailerGuard struct {
	io.ReadCloser
	guard   guard
	trailer http.Header
}

// Read implements io.Reader.
func (t *trailerGuard) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil {
		t.guard.strip(t.trailer)
	}
	return n, err
}

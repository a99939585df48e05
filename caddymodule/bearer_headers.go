package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// RFC 9110 §5

// The headers that tell the upstream who calls. No client can send them.
const (
	headerSubject  = "X-Auth-Subject"
	headerClientID = "X-Auth-Client-Id"
	headerScope    = "X-Auth-Scope"
	headerIssuer   = "X-Auth-Issuer"
)

// The bounds on what the upstream is told of a token, the assertion aside (RS18).
const (
	maxIdentityValue = 4 << 10
	maxIdentityTotal = 8 << 10
)

// standardHeaders are those of every bearer_auth.
var standardHeaders = [...]string{headerSubject, headerClientID, headerScope, headerIssuer}

// absent stands for a header that is not sent. No header value is this one.
const absent = "\x00"

// identityHeaders are the headers that a bearer_auth makes of a token: the
// standard ones, and those that its configuration maps.
type identityHeaders []mappedHeader

// perRequest says whether the request has a part in some value: otherwise the
// values are the token's alone.
func (m identityHeaders) perRequest() bool {
	for i := range m {
		if m[i].perRequest() {
			return true
		}
	}
	return false
}

// values gives the value of each header, the standard ones first. A claim that
// the token does not have gives no header. It is a refusal when a value cannot
// be a header, or all of them are too much.
func (m identityHeaders) values(token *introspect.Token, repl *caddy.Replacer) ([]string, *refusal) {
	values := make([]string, len(standardHeaders)+len(m))
	total := 0
	for i, claim := range [...]string{token.Subject, token.ClientID, token.Scope.String(), token.Issuer} {
		value, ok := headerValue(claim)
		if !ok {
			return nil, refuseToken(reasonHeaderValue, nil)
		}
		if values[i] = value; value == "" {
			values[i] = absent
		}
		total += len(value)
	}
	for i := range m {
		value, refused := m[i].value(token, repl)
		if refused != nil {
			return nil, refused
		}
		values[len(standardHeaders)+i] = value
		if value != absent {
			total += len(value)
		}
	}
	if total > maxIdentityTotal {
		return nil, refuseToken(reasonHeaderValue, nil)
	}
	return values, nil
}

// set puts values on a request, which has them for itself.
func (m identityHeaders) set(h http.Header, values []string) {
	for i, value := range values {
		if value == absent {
			continue
		}
		name := ""
		if i < len(standardHeaders) {
			name = standardHeaders[i]
		} else {
			name = m[i-len(standardHeaders)].name
		}
		h[name] = values[i : i+1 : i+1]
	}
}

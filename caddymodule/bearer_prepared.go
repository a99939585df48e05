package caddymodule

import (
	"strings"
	"sync/atomic"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// routes counts the bearer_auths of this process: each notes what it has prepared
// beside the token under a number of its own.
var routes atomic.Uint64

// prepared is what the upstream gets of one token on one route.
type prepared struct {
	values packedValues // none when they are the request's as well, or refused

	assertion, exchanged signed
}

// prepare makes what is the token's alone, once a token.
func (u *upstream) prepare(token *introspect.Token) *prepared {
	if noted, ok := token.Noted(u.route).(*prepared); ok {
		return noted
	}
	ready := new(prepared)
	if !u.headers.perRequest() {
		values, _ := u.headers.values(token, nil)
		ready.values = packValues(values)
	}
	return token.Note(u.route, ready).(*prepared)
}

// packedValues are the header values of one token in two pieces of memory: there are
// tens of thousands of tokens, and the garbage collector looks at each piece.
type packedValues struct {
	text string
	ends []uint16 // of each value in the text; maxIdentityTotal bounds them
}

func packValues(values []string) packedValues {
	packed := packedValues{text: strings.Join(values, ""), ends: make([]uint16, len(values))}
	end := 0
	for i, value := range values {
		end += len(value)
		packed.ends[i] = uint16(end) //nolint:gosec // see ends
	}
	return packed
}

// unpack writes the values into a list with room for all; false when there are none.
func (p *packedValues) unpack(into []string) bool {
	start := uint16(0)
	for i, end := range p.ends {
		into[i], start = p.text[start:end], end
	}
	return len(p.ends) > 0
}

package caddymodule

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/caddy-oauth2/caddy-oauth2/introspect"
)

// routes counts the bearer_auths of this process: each notes what it has prepared
// beside the token under a number of its own.
var routes atomic.Uint64

// signedTexts are what the upstream gets that is signed.
type signedTexts struct{ assertion, exchanged signed }

// prepare makes what is the token's alone, once a token: the text of the note has the
// header values, none when they are the request's as well, or refused; and More are
// the signedTexts where something is signed.
func (u *upstream) prepare(token *introspect.Token, signs bool) *introspect.Note {
	if noted := token.Noted(u.route); noted != nil {
		return noted
	}
	var ready introspect.Note
	if !u.headers.perRequest() {
		values, _ := u.headers.values(token, nil)
		ready.Text = packValues(values)
	}
	if signs {
		ready.More = new(signedTexts)
	}
	return token.Note(u.route, ready)
}

// packValues puts header values into one text: first, in two bytes each, where they
// end, which maxIdentityTotal bounds.
func packValues(values []string) string {
	packed, end := make([]byte, 0, 512), 0
	for _, value := range values {
		end += len(value)
		packed = binary.LittleEndian.AppendUint16(packed, uint16(end)) //nolint:gosec // see above
	}
	for _, value := range values {
		packed = append(packed, value...)
	}
	return string(packed)
}

// unpackValues writes the values into a list of as many; false when there are none.
func unpackValues(packed string, into []string) bool {
	if packed == "" {
		return false
	}
	ends, text := packed[:2*len(into)], packed[2*len(into):]
	start := 0
	for i := range into {
		end := int(ends[2*i]) | int(ends[2*i+1])<<8
		into[i], start = text[start:end], end
	}
	return true
}

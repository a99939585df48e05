package caddymodule

import (
	"strings"
	"sync/atomic"
	"time"
)

// routes counts the bearer_auths of this process: each notes what it has prepared
// beside the token under a number of its own.
var routes atomic.Uint64

// prepared is what the upstream gets of one token on one route.
type prepared struct {
	values packedValues // none when they are the request's as well, or refused

	assertion, exchanged signed
}

// packedValues are header values as tens of thousands of tokens have them: in few
// pieces of memory, which the garbage collector has to look at.
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

// unpack gives the values; false when there are none.
func (p *packedValues) unpack(into []string) bool {
	start := uint16(0)
	for i, end := range p.ends {
		into[i], start = p.text[start:end], end
	}
	return len(p.ends) > 0
}

// signed is a signed text that is used again until half of its life is left.
type signed struct{ kept atomic.Pointer[signedText] }

type signedText struct {
	text  string
	until time.Time
}

// at gives the text that is good now. sign makes another one, and says from when
// to when it is good.
func (s *signed) at(now time.Time, sign func() (text string, issued, expires time.Time, err error)) (string, error) {
	if kept := s.kept.Load(); kept != nil && now.Before(kept.until) {
		return kept.text, nil
	}
	text, issued, expires, err := sign()
	if err != nil {
		return "", err
	}
	s.kept.Store(&signedText{text, issued.Add(expires.Sub(issued) / 2)})
	return text, nil
}

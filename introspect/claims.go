package introspect

import (
	"encoding/json"
	"sync/atomic"
	"weak"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// Claims are all claims of a token, registered ones included.
//
// A cache holds them as the text of one JSON object. Decoded they are some dozens
// of small objects, which the garbage collector would look at again and again for
// each of thousands of tokens. What few routes ask for on each request stays
// decoded until the next collection.
type Claims struct {
	all map[string]any // nil for claims that are kept as text

	text  string // from start on; "" where only all is known
	start uint32 // before it stands what an entry packs with it
	// What every request asks of kept claims.
	bound, dated bool
	recent       atomic.Pointer[weak.Pointer[map[string]any]]
}

// ClaimsOf are claims as decoded JSON, which nobody may change any more.
func ClaimsOf(all map[string]any) *Claims { return &Claims{all: all} }

// All gives the claims as decoded JSON, for reading alone.
func (c *Claims) All() map[string]any {
	switch {
	case c == nil:
		return nil
	case c.all != nil || int(c.start) == len(c.text): // there is no text
		return c.all
	}
	if recent := c.recent.Load(); recent != nil {
		if all := recent.Value(); all != nil {
			return *all
		}
	}
	// The text was read before, as the payload of a JWT, or written by keep. Were it
	// not to be read, the token would have no claims: that opens nothing, for what
	// binds it is asked of bound.
	all, _ := oauth.DecodeObject([]byte(c.text[c.start:]))
	recent := weak.Make(&all)
	c.recent.Store(&recent)
	return all
}

// keep makes c the claims of others as a cache holds them, and says whether it
// could: what was not decoded from JSON may not be written, or not be read again.
func (c *Claims) keep(of *Claims) bool {
	text := of.text[of.start:]
	if text == "" && of.all != nil {
		written, err := json.Marshal(of.all)
		if err != nil {
			return false
		}
		if _, err := oauth.DecodeObject(written); err != nil {
			return false
		}
		text = string(written)
	}
	c.text, c.bound, c.dated = text, of.isBound(), of.isDated()
	return true
}

// isBound says whether there is a cnf, whatever stands in it.
func (c *Claims) isBound() bool { return c != nil && (c.bound || has(c.all, "cnf")) }

// isDated says whether there is an exp.
func (c *Claims) isDated() bool { return c != nil && (c.dated || has(c.all, "exp")) }

func has(claims map[string]any, name string) bool {
	_, there := claims[name]
	return there
}

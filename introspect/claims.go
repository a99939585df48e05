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

	text string
	// What every request asks of kept claims.
	bound, dated bool
	session      string
	recent       atomic.Pointer[weak.Pointer[map[string]any]]
}

// ClaimsOf are claims as decoded JSON, which nobody may change any more.
func ClaimsOf(all map[string]any) *Claims { return &Claims{all: all} }

// All gives the claims as decoded JSON, for reading alone.
func (c *Claims) All() map[string]any {
	switch {
	case c == nil:
		return nil
	case c.all != nil || c.text == "":
		return c.all
	}
	if recent := c.recent.Load(); recent != nil {
		if all := recent.Value(); all != nil {
			return *all
		}
	}
	// The text is ours. Were it not to be read, the token would have no claims: that
	// opens nothing, for what binds it is asked of bound.
	all, _ := oauth.DecodeObject([]byte(c.text))
	recent := weak.Make(&all)
	c.recent.Store(&recent)
	return all
}

// kept are the claims as a cache holds them; nil where they cannot be written, as no
// decoded JSON is.
func (c *Claims) kept() *Claims {
	if c.all == nil {
		return c
	}
	text, err := json.Marshal(c.all)
	if err != nil {
		return nil
	}
	k := &Claims{text: string(text), bound: c.isBound(), dated: c.isDated(), session: c.sessionID()}
	recent := weak.Make(&c.all)
	k.recent.Store(&recent)
	return k
}

// isBound says whether there is a cnf, whatever stands in it.
func (c *Claims) isBound() bool { return c != nil && (c.bound || has(c.all, "cnf")) }

// isDated says whether there is an exp.
func (c *Claims) isDated() bool { return c != nil && (c.dated || has(c.all, "exp")) }

func has(claims map[string]any, name string) bool {
	_, there := claims[name]
	return there
}

// sessionID is the sid, "" for none.
func (c *Claims) sessionID() string {
	if c == nil {
		return ""
	}
	if c.all == nil {
		return c.session
	}
	sid, _ := oauth.StringMember(c.all, "sid")
	return sid
}

// size is what kept claims take of memory, so that an issuer with large tokens takes
// its share and no more.
func (c *Claims) size() int64 {
	if c == nil {
		return 0
	}
	return int64(len(c.text))
}

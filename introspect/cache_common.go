package introspect

import (
	"slices"
	"strings"
	"sync"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

const (
	// maxCommons bounds what is remembered. When there is so much, all is forgotten:
	// tokens keep what they have.
	maxCommons = 1000
	// maxCommonBytes and maxCommonTexts bound one of them: few tokens have more in
	// common.
	maxCommonBytes, maxCommonTexts = 1 << 10, 64
)

// common is what a token says as thousands of others do.
type common struct {
	issuer   string
	scope    oauth.Scope
	audience []string
}

// commons has what cached tokens have in common once for all of them.
type commons struct {
	mu    sync.Mutex
	known map[string]*common // by name
}

// of gives the same, for reading alone, in memory that is shared with other tokens
// and not with what it is given, but for the issuer; and how many bytes this token
// has added by it: nobody knows whether another will say the same.
func (c *commons) of(said common) (same *common, added int64) {
	name := said.name()
	texts := len(said.scope) + len(said.audience)
	added = int64(len(name) + 16*texts + 64)
	if len(name) > maxCommonBytes || texts > maxCommonTexts {
		return said.packed(name), added
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[name]
	if ok && known.equal(&said) { // with NULs in its texts another has the same name
		return known, 0
	}
	if len(c.known) >= maxCommons || c.known == nil {
		c.known = map[string]*common{}
	}
	same = said.packed(name)
	c.known[name] = same
	return same, added
}

// name is all texts with a NUL after each, and one between the lists.
func (c *common) name() string {
	lists := [...][]string{c.scope, {""}, c.audience, {"", c.issuer}}
	size := 0
	for _, list := range lists {
		for _, text := range list {
			size += len(text) + 1
		}
	}
	var name strings.Builder
	name.Grow(size)
	for _, list := range lists {
		for _, text := range list {
			name.WriteString(text)
			name.WriteByte(0)
		}
	}
	return name.String()
}

func (c *common) equal(other *common) bool {
	return c.issuer == other.issuer && slices.Equal(c.scope, other.scope) && slices.Equal(c.audience, other.audience)
}

// packed is a copy whose lists lie in its name.
func (c *common) packed(name string) *common {
	scope, rest := cut(c.scope, name)
	audience, _ := cut(c.audience, rest[1:])
	return &common{c.issuer, scope, audience}
}

// cut is a list whose texts are the first in all; nil for none.
func cut(list []string, all string) (same []string, rest string) {
	if len(list) == 0 {
		return nil, all
	}
	same = make([]string, len(list))
	for i, text := range list {
		same[i], all = all[:len(text)], all[len(text)+1:]
	}
	return same, all
}

package introspect

import (
	"slices"
	"strings"
	"sync"
)

// maxLists bounds the lists that are remembered.
const maxLists = 1000

// lists are the scopes and audiences of cached tokens. Thousands of tokens have the
// same few of them.
type lists struct {
	mu    sync.Mutex
	known map[string][]string // by their texts, with a NUL between two
}

// same gives a list of the same texts that is remembered, for reading alone.
func (l *lists) same(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	name := strings.Join(list, "\x00")
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.known[name]
	if ok && slices.Equal(known, list) { // a text with a NUL is not two
		return known
	}
	if len(l.known) >= maxLists || l.known == nil {
		l.known = map[string][]string{} // tokens have what they have
	}
	own := slices.Clone(list)
	for i := range own {
		own[i] = strings.Clone(own[i])
	}
	l.known[name] = own
	return own
}

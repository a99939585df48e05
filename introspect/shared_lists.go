package introspect

import (
	"slices"
	"strings"
	"sync"
)

const (
	// maxLists bounds the lists that are remembered. When there are so many, all are
	// forgotten: tokens keep those that they have.
	maxLists = 1000
	// maxSharedBytes and maxSharedTexts bound what is remembered of a list: few
	// tokens have a longer one in common.
	maxSharedBytes, maxSharedTexts = 512, 32
)

// sharedLists are the scopes and audiences of cached tokens: thousands of tokens
// have the same few.
type sharedLists struct {
	mu    sync.Mutex
	known map[string][]string // by their texts, with a NUL between two
}

// shared gives a list of the same texts, for reading alone, which shares no memory
// with the one it is given, and how many bytes it takes of its own; nil for an empty
// one.
func (l *sharedLists) shared(list []string) (same []string, own int64) {
	if len(list) == 0 {
		return nil, 0
	}
	name := strings.Join(list, "\x00") // of one text, that text and no copy
	if len(name) > maxSharedBytes || len(list) > maxSharedTexts {
		return packed(list, strings.Clone(name)), int64(len(name) + 16*len(list))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.known[name]
	if ok && slices.Equal(known, list) { // a text with a NUL is not two
		return known, 0
	}
	if len(l.known) >= maxLists || l.known == nil {
		l.known = map[string][]string{}
	}
	name = strings.Clone(name)
	same = packed(list, name)
	l.known[name] = same
	return same, 0
}

// packed is a list whose texts lie in one, with something between two.
func packed(list []string, all string) []string {
	own := make([]string, len(list))
	for i, text := range list {
		own[i] = all[:len(text)]
		all = all[min(len(text)+1, len(all)):]
	}
	return own
}

package introspect

import "sync/atomic"

// maxNotes bounds what is noted beside one token: when there are so many, all are
// forgotten and made anew. Most are then of routes that a reload has ended, for few
// tokens pass so many.
const maxNotes = 64

// Note is what a route has made of a cached token, to make it once and not on each
// request. It lives as long as the token does in its cache.
type Note struct {
	// Text is the best place for what can be a text: the garbage collector looks at
	// the notes of tens of thousands of tokens again and again.
	Text string
	// More is what else there is; nil for nothing.
	More any

	route uint64
	older *Note
}

// notes are those of one token.
type notes struct{ newest atomic.Pointer[Note] }

// Noted gives what was noted under the number of a route; nil for nothing, or when
// it is forgotten. Whoever notes sees to it that no number is used twice.
func (t *Token) Noted(route uint64) *Note {
	if t.entry == nil {
		return nil
	}
	return t.entry.notes.newest.Load().of(route)
}

// Note notes what a route has made of the token, under the route's number, and gives
// what is noted there: another request may have been quicker. A token that was
// offered to no cache takes no notes, and made is given back; another verdict on the
// same token begins with none. Nobody may change what was noted.
func (t *Token) Note(route uint64, made Note) *Note {
	made.route = route
	if t.entry == nil {
		return &made
	}
	notes := &t.entry.notes
	for {
		newest := notes.newest.Load()
		if there := newest.of(route); there != nil {
			return there
		}
		made.older = newest
		if newest.count() >= maxNotes {
			made.older = nil
		}
		if notes.newest.CompareAndSwap(newest, &made) {
			return &made
		}
	}
}

func (n *Note) of(route uint64) *Note {
	for ; n != nil; n = n.older {
		if n.route == route {
			return n
		}
	}
	return nil
}

func (n *Note) count() (count int) {
	for ; n != nil; n = n.older {
		count++
	}
	return count
}

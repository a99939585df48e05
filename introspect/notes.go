package introspect

import "sync/atomic"

// maxNotes bounds what is noted beside one token: when there are so many, all are
// forgotten and made anew. Most are then of routes that a reload has ended, for few
// tokens pass so many.
const maxNotes = 64

// notes are what routes have made of a cached token, to make it once and not on
// each request. They live as long as the token does in its cache.
type notes struct{ newest atomic.Pointer[note] }

type note struct {
	route uint64
	made  any
	older *note
}

// Noted gives what was noted under the number of a route; nil for nothing, or when
// it is forgotten. Whoever notes sees to it that no number is used twice.
func (t *Token) Noted(route uint64) any {
	if t.entry == nil {
		return nil
	}
	return t.entry.notes.of(route)
}

// Note notes what a route has made of the token, under the route's number, and gives
// what is noted there: another request may have been quicker. A token that was
// offered to no cache takes no notes, and made is given back; another verdict on the
// same token begins with none.
func (t *Token) Note(route uint64, made any) any {
	if t.entry == nil {
		return made
	}
	notes := &t.entry.notes
	for {
		newest := notes.newest.Load()
		if there := newest.of(route); there != nil {
			return there
		}
		older := newest
		if newest.count() >= maxNotes {
			older = nil
		}
		if notes.newest.CompareAndSwap(newest, &note{route, made, older}) {
			return made
		}
	}
}

func (n *notes) of(route uint64) any { return n.newest.Load().of(route) }

func (n *note) of(route uint64) any {
	for ; n != nil; n = n.older {
		if n.route == route {
			return n.made
		}
	}
	return nil
}

func (n *note) count() (count int) {
	for ; n != nil; n = n.older {
		count++
	}
	return count
}

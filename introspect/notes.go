package introspect

import "sync/atomic"

// maxNotes bounds what is noted beside one token. After a reload there are notes
// of routes that are no more.
const maxNotes = 8

// notes are what routes have made of a cached token, to make it once and not on
// each request. They live as long as the token does in its cache.
type notes struct{ newest atomic.Pointer[note] }

type note struct {
	route uint64
	made  any
	older *note
}

// Noted gives what a route has noted beside the token; nil for nothing. Routes
// have numbers of their own.
func (t *Token) Noted(route uint64) any {
	if t.notes == nil {
		return nil
	}
	return t.notes.of(route)
}

// Note keeps what a route has made of the token for Noted, where a cache holds the
// token and for as long as it likes: another verdict on the same token has no
// notes. What it gives back is what is noted, for others may have been quicker.
func (t *Token) Note(route uint64, made any) any {
	if t.notes == nil {
		return made
	}
	for {
		newest := t.notes.newest.Load()
		if there := newest.of(route); there != nil {
			return there
		}
		older := newest
		if newest.count() >= maxNotes {
			older = nil
		}
		if t.notes.newest.CompareAndSwap(newest, &note{route, made, older}) {
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

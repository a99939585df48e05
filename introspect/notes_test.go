package introspect

import (
	"sync"
	"testing"
)

func TestNotes(t *testing.T) {
	token := keep(new(Token))
	for route := range uint64(3) {
		if token.Noted(route) != nil {
			t.Errorf("route %d: there is a note already", route)
		}
		made := token.Note(route, Note{Text: "first", More: route})
		if made.Text != "first" || made.More != route {
			t.Errorf("route %d: noted %v", route, made)
		}
		if token.Note(route, Note{Text: "later"}) != made || token.Noted(route) != made {
			t.Errorf("route %d: noted %v, then %v", route, made, token.Noted(route))
		}
	}
	if token.Noted(0).More != uint64(0) {
		t.Error("the first note is gone")
	}
}

// Reloads make new routes for as long as a token lives.
func TestNotesAreBounded(t *testing.T) {
	token := keep(new(Token))
	for route := range uint64(100) {
		token.Note(route, Note{})
		if n := token.entry.notes.newest.Load().count(); n > maxNotes {
			t.Fatalf("%d notes", n)
		}
	}
	if token.Noted(99) == nil || token.Noted(0) != nil {
		t.Error("the newest is gone, or the first is still there")
	}
}

// A token that passes many routes in turn is prepared once on each.
func TestManyRoutesKeepTheirNotes(t *testing.T) {
	token := keep(new(Token))
	for range 3 {
		for route := range uint64(maxNotes) {
			if made := token.Note(route, Note{}); made != token.Noted(route) || made != token.Note(route, Note{}) {
				t.Fatalf("route %d: noted anew", route)
			}
		}
	}
	if n := token.entry.notes.newest.Load().count(); n != maxNotes {
		t.Errorf("%d notes, want %d", n, maxNotes)
	}
}

// The request that brings a token and those that find it share what is noted.
func TestNotesAreOfTheVerdict(t *testing.T) {
	e := newEntry(new([32]byte), new(Issuer), new(Token), new(commons))
	made := e.first(nil).Note(1, Note{Text: "made"})
	if e.unpack(new(Token)).Noted(1) != made {
		t.Error("a token that is found has no notes")
	}
	uncached := new(Token)
	if made := uncached.Note(1, Note{Text: "made"}); made.Text != "made" || uncached.Noted(1) != nil {
		t.Error("a token that nobody keeps has notes")
	}
}

func TestAllSeeTheNoteThatWasFirst(t *testing.T) {
	token := keep(new(Token))
	for route := range uint64(100) {
		var group sync.WaitGroup
		seen := make([]*Note, 8)
		for n := range seen {
			group.Go(func() { seen[n] = token.Note(route, Note{More: n}) })
		}
		group.Wait()
		for _, made := range seen {
			if made != seen[0] {
				t.Fatalf("route %d: %v", route, seen)
			}
		}
	}
}

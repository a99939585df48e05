package introspect

import (
	"slices"
	"strconv"
	"testing"
)

func TestListsAreShared(t *testing.T) {
	var l lists
	came := []string{"read", "write"}
	first := l.same(came)
	came[0] = "changed"
	again := l.same([]string{"read", "write"})
	if !slices.Equal(first, []string{"read", "write"}) || &first[0] != &again[0] {
		t.Errorf("%q, then %q", first, again)
	}
	for _, other := range [][]string{{"read write"}, {"write", "read"}, {"read"}, {"read", "write", ""}, {"read\x00write"}} {
		if got := l.same(other); !slices.Equal(got, other) {
			t.Errorf("%q for %q", got, other)
		}
	}
	if l.same(nil) != nil || l.same([]string{}) != nil {
		t.Error("a list for none")
	}
}

// Strangers with tokens may have any number of them.
func TestListsAreBounded(t *testing.T) {
	var l lists
	for n := range 5 * maxLists {
		if got := l.same([]string{strconv.Itoa(n)}); len(got) != 1 || len(l.known) > maxLists {
			t.Fatalf("%q, %d lists", got, len(l.known))
		}
	}
}

package introspect

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestListsAreShared(t *testing.T) {
	var l sharedLists
	came := []string{"read", "write"}
	first, own := l.shared(came)
	came[0] = "changed"
	again, _ := l.shared([]string{"read", "write"})
	if own != 0 {
		t.Errorf("it takes %d bytes of its own", own)
	}
	if !slices.Equal(first, []string{"read", "write"}) || &first[0] != &again[0] {
		t.Errorf("%q, then %q", first, again)
	}
	for _, other := range [][]string{{"read write"}, {"write", "read"}, {"read"}, {"read", "write", ""}, {"read\x00write"}} {
		if got, _ := l.shared(other); !slices.Equal(got, other) {
			t.Errorf("%q for %q", got, other)
		}
	}
	for _, none := range [][]string{nil, {}} {
		if got, own := l.shared(none); got != nil || own != 0 {
			t.Errorf("%q for none", got)
		}
	}
}

// Strangers with tokens may have any number of them.
func TestListsAreBounded(t *testing.T) {
	var l sharedLists
	for n := range 5 * maxLists {
		if got, _ := l.shared([]string{strconv.Itoa(n)}); len(got) != 1 || len(l.known) > maxLists {
			t.Fatalf("%q, %d lists", got, len(l.known))
		}
	}
}

// A list that is long is its token's, and is counted.
func TestLongListsAreNotShared(t *testing.T) {
	var l sharedLists
	for _, list := range [][]string{slices.Repeat([]string{"x"}, maxSharedTexts+1), {strings.Repeat("x", maxSharedBytes), "y"}, {strings.Repeat("x", maxSharedBytes+1)}} {
		got, own := l.shared(list)
		if !slices.Equal(got, list) || own < int64(len(strings.Join(list, ""))) || len(l.known) != 0 {
			t.Errorf("%.50q takes %d, %d are known", got, own, len(l.known))
		}
	}
}

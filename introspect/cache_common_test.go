package introspect

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTokensShareWhatTheyHaveInCommon(t *testing.T) {
	var c commons
	came := []string{"read", "write"}
	first, added := c.of(common{"https://idp.test", came, []string{"api"}})
	came[0] = "changed"
	said := common{"https://idp.test", []string{"read", "write"}, []string{"api"}}
	if again, more := c.of(said); added < int64(len("https://idp.testreadwriteapi")) || more != 0 || again != first || !reflect.DeepEqual(*first, said) {
		t.Errorf("%+v with %d bytes, then %+v with %d", *first, added, *again, more)
	}
	// What says something else is something else, whatever stands in it.
	for _, other := range []common{
		{"https://other.test", said.scope, said.audience},
		{said.issuer, []string{"read write"}, said.audience},
		{said.issuer, []string{"write", "read"}, said.audience},
		{said.issuer, []string{"read"}, []string{"write", "api"}},
		{said.issuer, []string{"read", "write", "api"}, nil},
		{said.issuer, nil, []string{"read", "write", "api"}},
		{said.issuer, []string{"read", "write", ""}, said.audience},
		{said.issuer, []string{"read\x00write"}, said.audience},
		{said.issuer, []string{"", ""}, nil},
		{said.issuer, nil, []string{""}},
		{said.issuer, nil, nil},
		{"", nil, nil},
	} {
		for range 2 {
			if got, _ := c.of(other); !reflect.DeepEqual(*got, other) {
				t.Errorf("%+v for %+v", *got, other)
			}
		}
	}
	if none, _ := c.of(common{"", []string{}, []string{}}); none.scope != nil || none.audience != nil {
		t.Errorf("%+v for none", *none)
	}
}

// Strangers with tokens may have any number of them.
func TestCommonsAreBounded(t *testing.T) {
	var c commons
	for n := range 5 * maxCommons {
		if got, _ := c.of(common{scope: []string{strconv.Itoa(n)}}); len(got.scope) != 1 || len(c.known) > maxCommons {
			t.Fatalf("%+v, %d are known", *got, len(c.known))
		}
	}
}

// Who says much says it for one token, and it is counted.
func TestWhatIsLongIsNotShared(t *testing.T) {
	var c commons
	for _, list := range [][]string{slices.Repeat([]string{"x"}, maxCommonTexts+1), {strings.Repeat("x", maxCommonBytes), "y"}, {strings.Repeat("x", maxCommonBytes+1)}} {
		got, added := c.of(common{audience: list})
		if !slices.Equal(got.audience, list) || added < int64(len(strings.Join(list, ""))) || len(c.known) != 0 {
			t.Errorf("%.50q adds %d, %d are known", got.audience, added, len(c.known))
		}
	}
}

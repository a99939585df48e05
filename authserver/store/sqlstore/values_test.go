package sqlstore_test

import (
	"slices"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/store/sqlstore"
)

func TestListsComeBackAsTheyWere(t *testing.T) {
	for _, list := range [][]string{
		nil, {""}, {"", ""}, {"openid"}, {"openid", "read"}, {`","`}, {`"`, `\`}, {`a\`, `"b`}, {"<&>"}, {"tab\tline\n"},
		{"ü", "\U0001F511"}, {"[", "]"}, {`["a"]`}, {","}, {"a", ",", "b"},
	} {
		stored, err := sqlstore.List(list)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sqlstore.Listed(stored); err != nil || !slices.Equal(got, list) {
			t.Errorf("%q is stored as %s and comes back as %q (%v)", list, stored, got, err)
		}
	}
	// As another hand may write it.
	if got, err := sqlstore.Listed(`["a", "b"]`); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, broken := range []string{"", "[", `["a"`, `"a"`, `{"a":1}`, `["a",1]`, `["\x"]`, `["a",1,"b"]`, `["a"x"b"]`} {
		if got, err := sqlstore.Listed(broken); err == nil {
			t.Errorf("%q is taken for %q", broken, got)
		}
	}
}

//go:build !race

package token_test

import (
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// A token that is asked about again costs a digest and a look, not a signature
// and a parse.
func TestARememberedTokenIsNotParsedAgain(t *testing.T) {
	m := newMinter()
	for _, format := range formats {
		text, _ := mintAccess(t, m, userAccess(), format)
		open := func() {
			if _, err := m.OpenAccess(text, start); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(100, open); n > 1 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
	wide := userAccess()
	for len(wide.Scope) < 100 {
		wide.Scope = append(wide.Scope, "a-scope-with-a-rather-long-name-"+string(rune('a'+len(wide.Scope)%26))+string(rune('a'+len(wide.Scope)/26)))
	}
	text, _ := mintAccess(t, m, wide, oauth.FormatOpaque)
	if n := testing.AllocsPerRun(10, func() { _, _ = m.OpenAccess(text, start) }); n <= 1 {
		t.Errorf("a token of %d bytes is remembered", len(text.Reveal()))
	}
}

package logout_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/store"
)

// Such a client would be told of no sign-out, and its operator only by the log.
func TestABackChannelLogoutThatCannotBeReachedWarns(t *testing.T) {
	for _, row := range []struct{ uri, allowed, want string }{
		{"http://127.0.0.1:18099/logout", "", "realm /: client web is told of no sign-out: its backchannel_logout_uri leads to a private address; " +
			"add the line to the realm: logout_allow_private 127.0.0.1/32"},
		{"http://localhost:18099/logout", "", "logout_allow_private 127.0.0.1/32 ::1/128"},
		{"http://[::1]/logout", "", "logout_allow_private ::1/128"},
		{"https://10.1.2.3/logout", "", "logout_allow_private 10.1.2.3/32"},
		{"https://10.1.2.3/logout", "10.0.0.0/8", ""},
		{"http://localhost:18099/logout", "127.0.0.1/32", ""},
		{"https://1.1.1.1/logout", "", ""},
		{"https://app.test/logout", "", ""},
		{"", "", ""},
	} {
		settings := realm.Settings{Name: "/", Clients: []store.Client{{ID: "web", LogoutURI: row.uri}}}
		if row.allowed != "" {
			settings.LogoutPrivate = []netip.Prefix{netip.MustParsePrefix(row.allowed)}
		}
		got := strings.Join(authserver.Config{Realms: []realm.Settings{settings}}.Warnings(), "\n")
		if (got == "") != (row.want == "") || !strings.HasSuffix(got, row.want) {
			t.Errorf("%s, allowed %q: %q, want %q", row.uri, row.allowed, got, row.want)
		}
	}
}

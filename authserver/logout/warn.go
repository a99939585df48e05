package logout

import (
	"fmt"
	"strings"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/outbound"
	"github.com/caddy-oauth2/caddy-oauth2/authserver/realm"
)

// Warnings are the clients of a realm that would be told of no sign-out, as far as
// their addresses say so.
func Warnings(s *realm.Settings) []string {
	guard := outbound.Guard{Private: s.LogoutPrivate}
	var out []string
	for i := range s.Clients {
		if barred := guard.Barred(s.Clients[i].LogoutURI); len(barred) > 0 {
			out = append(out, fmt.Sprintf("realm %s: client %s is told of no sign-out: its backchannel_logout_uri leads to a private address; "+
				"add the line to the realm: logout_allow_private %s", s.Name, s.Clients[i].ID, strings.Trim(fmt.Sprint(barred), "[]")))
		}
	}
	return out
}

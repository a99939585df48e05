package caddymodule

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-consent", "(list|revoke) --subject <value> [--client <id>] [--realm <name>]",
		"Lists and takes back what users have agreed to",
		`
list shows what a subject lets clients do without being asked again. revoke takes
it back, for one client or for all: the grants that came of it end with their
tokens, here at once and on other nodes within a second, and the user is asked
again.`,
		1, func(flags *flagSet) {
			flags.String("realm", "", "Name of the realm, such as /customers (default /)")
			flags.String("subject", "", "The subject, by its sub")
			flags.String("client", "", "Only one client, by its id")
		}, consentCommand)
}

func consentCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	query := url.Values{"realm": {fl.String("realm")}, "subject": {fl.String("subject")}, "client": {fl.String("client")}}
	path := "/oauth2/consents?" + query.Encode()
	switch fl.Arg(0) {
	case "list":
		var answer consentsAnswer
		printed, err := c.call(http.MethodGet, path, nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		for i := range answer.Consents {
			if consent := &answer.Consents[i]; !printed {
				c.printf("client %q scope %q, agreed %s\n", consent.Client, consent.Scope, moment(consent.Updated))
			}
		}
	case "revoke":
		var answer revokedAnswer
		printed, err := c.call(http.MethodDelete, path, nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			c.revoked(&answer)
		}
	default:
		return exitTrouble, errors.New("say what to do first: list or revoke")
	}
	return caddy.ExitCodeSuccess, nil
}

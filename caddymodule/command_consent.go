package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-consent", "(list|revoke) (--user <name>|--subject <value>) [--client <id>] [--realm <name>]",
		"Lists and takes back what users have agreed to",
		`
list shows what a user lets clients do without being asked again. revoke takes
it back, for one client or for all: the grants that came of it end with their
tokens, here at once and on other nodes within a second, and the user is asked
again. A user is named by the username, or by the subject: what tokens bear as sub.`,
		1, func(flags *flagSet) {
			flags.String("realm", "", "Name of the realm, such as /customers (default /)")
			personFlags(flags)
			flags.String("client", "", "Only one client, by its id")
		}, consentCommand)
}

func consentCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	query, err := ofPerson(fl)
	if err != nil {
		return exitTrouble, err
	}
	query.Set("client", fl.String("client"))
	path := "/oauth2/consents?" + query.Encode()
	switch fl.Arg(0) {
	case "list":
		var answer consentsAnswer
		printed, err := c.call(http.MethodGet, path, nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if printed {
			break
		}
		for i := range answer.Consents {
			consent := &answer.Consents[i]
			c.printf("client %q scope %q, agreed %s\n", consent.Client, consent.Scope, moment(consent.Updated))
		}
		c.noteUnknown(answer.Unknown, fl)
	case "revoke":
		var answer revokedAnswer
		printed, err := c.call(http.MethodDelete, path, nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			c.revoked(&answer)
			c.noteUnknown(answer.Unknown, fl)
		}
	default:
		return exitTrouble, errors.New("say what to do first: list or revoke")
	}
	return caddy.ExitCodeSuccess, nil
}

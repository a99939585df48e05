package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-unlock", "(--user <name> | --source <address>) [--realm <name>]",
		"Lets somebody sign in again at once who has failed too often",
		`
Whoever fails to sign in too often has to wait, longer and longer; every wait ends
by itself. This forgets the failures for a username, from wherever they came, with
a password or the code of a second factor, or those of a source, an IP address,
whoever it tried. It says how many counts of failures there were: 0 means that
nothing was in the way, or that the name is spelt in another way.

Codes are counted by account. Whose username no authentication service can say, as
of other OpenID providers, is named by the subject in its place.

It ends nothing and signs nobody in. The realm is / unless --realm names another.`,
		0, func(flags *flagSet) {
			flags.String("realm", "", "Name of the realm, such as /customers")
			flags.String("user", "", "The username, as it is typed on the sign-in page")
			flags.String("source", "", "The address, such as 192.0.2.7")
		}, unlockCommand)
}

func unlockCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	user, source := fl.String("user"), fl.String("source")
	if (user == "") == (source == "") {
		return exitTrouble, errors.New("say whose failures to forget: --user NAME or --source ADDRESS")
	}
	var answer attemptsAnswer
	printed, err := c.call(http.MethodPost, "/oauth2/attempts/reset", attemptsReset{Realm: fl.String("realm"), Username: user, Source: source}, &answer)
	if err != nil {
		return exitTrouble, err
	}
	if !printed {
		c.printf("realm %s: forgot %d counts of failures\n", answer.Realm, answer.Counters)
	}
	return caddy.ExitCodeSuccess, nil
}

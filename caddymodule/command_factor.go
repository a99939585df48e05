package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	registerCommand("oauth2-factor", "list|remove (--user <name>|--subject <value>) [--factor <id>|--all] [--realm <name>]",
		"Shows and removes second factors and passkeys of users",
		`
list shows the app for one-time codes and the passkeys of a user, and how many
recovery codes are left. remove takes one of them by its id, or with --all all of
them and the recovery codes: a phone is lost, and the user cannot sign in. The
user signs in with a password then, and where a second factor is required sets up
another one. See first that it is the user who asks.

A user is named by the username, or by the subject: what tokens bear as sub. Where
nothing is known of a subject list says so, and remove fails.`,
		1, func(flags *flagSet) {
			flags.String("realm", "", "Name of the realm, such as /customers (default /)")
			personFlags(flags)
			flags.String("factor", "", "Only one factor, by its id")
			flags.Bool("all", false, "All factors and recovery codes")
		}, factorCommand)
}

func factorCommand(c adminClient, fl caddycmd.Flags) (int, error) {
	query, err := ofPerson(fl)
	if err != nil {
		return exitTrouble, err
	}
	switch fl.Arg(0) {
	case "list":
		var answer factorsAnswer
		printed, err := c.call(http.MethodGet, "/oauth2/factors?"+query.Encode(), nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			c.factors(&answer)
			c.noteUnknown(answer.Unknown, fl)
		}
	case "remove":
		if (fl.String("factor") != "") == fl.Bool("all") {
			return exitTrouble, errors.New("say which: --factor with an id that list shows, or --all")
		}
		if id := fl.String("factor"); id != "" {
			query.Set("factor", id)
		}
		var answer removedFactors
		printed, err := c.call(http.MethodDelete, "/oauth2/factors?"+query.Encode(), nil, &answer)
		if err != nil {
			return exitTrouble, err
		}
		if !printed {
			c.printf("removed %d of the subject %q\n", answer.Removed, answer.Subject)
		}
		if answer.Unknown {
			return 1, unknownSubject(fl)
		}
	default:
		return exitTrouble, errors.New("say what to do first: list or remove")
	}
	return caddy.ExitCodeSuccess, nil
}

// factors prints what a user has.
func (c adminClient) factors(answer *factorsAnswer) {
	for i := range answer.Factors {
		f := &answer.Factors[i]
		used := "never used"
		if !f.LastUsed.IsZero() {
			used = "used " + moment(f.LastUsed)
		}
		c.printf("%s %s %q added %s, %s\n", f.Kind, f.ID, f.Label, moment(f.Added), used)
	}
	c.printf("%d recovery codes left\n", answer.RecoveryCodes)
}

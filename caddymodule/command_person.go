package caddymodule

import (
	"errors"
	"fmt"
	"net/url"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// personFlags are those that name a user.
func personFlags(flags *flagSet) {
	flags.String("user", "", "A user, by the username")
	flags.String("subject", "", "A user, by the subject (sub)")
}

// ofPerson are the parameters for the realm and the user that the flags name.
func ofPerson(fl caddycmd.Flags) (url.Values, error) {
	if (fl.String("user") == "") == (fl.String("subject") == "") {
		return nil, errors.New("name the user, by one of --user NAME and --subject SUB")
	}
	return url.Values{"realm": {fl.String("realm")}, "username": {fl.String("user")}, "subject": {fl.String("subject")}}, nil
}

// noteUnknown says, where nothing is known of a subject, that this may be why
// nothing was found.
func (c adminClient) noteUnknown(unknown bool, fl caddycmd.Flags) {
	if unknown {
		_, _ = fmt.Fprintln(c.notes, printable(unknownSubject(fl).Error()))
	}
}

// unknownSubject says what a subject is, for it is often taken for the username.
func unknownSubject(fl caddycmd.Flags) error {
	return errors.New("nothing is known of the subject " + quoted(fl.String("subject")) + ". A subject is what `caddy oauth2-user show` says, " +
		"or the sub of a token; to name a user by the username, say --user")
}
